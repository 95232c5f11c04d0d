"""Contacts, with Sequenzy as the example: as durable as email, in order for each contact, and never delaying email."""

import importlib
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import transaction

from emails import contacts
from emails.models import ContactChange, DeliveryAttempt, OutboundEmail, ProviderState, Status
from emails.tests.support.clock import travel
from emails.tests.support.provider_rules import Reply

ADA = "ada@example.com"


@pytest.fixture
def contacts_api(provider_api, db, use_provider, settings):
    use_provider("sequenzy")
    settings.CONTACTS_SYNC = True
    return provider_api.contacts


def make_four_changes(address: str = ADA) -> None:
    contacts.subscribe(address, tags=["signed-up"], attributes={"plan": "free"}, first_name="Ada", external_id="7")
    contacts.add_tag(address, "customer")
    contacts.remove_tag(address, "signed-up")
    contacts.track_event(address, "Invoice paid", {"amount": 2900})


def statuses() -> set[str]:
    return set(ContactChange.objects.values_list("status", flat=True))


def test_changes_are_sent_in_order(contacts_api, deliver):
    make_four_changes()
    deliver()
    assert [route for _, route, _ in contacts_api.requests] == ["", "/tags", "/bulk/tags/remove", "/events"]
    assert contacts_api.subscribers[ADA]["tags"] == {"customer"}
    assert contacts_api.subscribers[ADA]["attributes"] == {"plan": "free"}
    assert statuses() == {Status.SENT}


def test_rolled_back_change_is_not_sent(contacts_api, deliver):
    with pytest.raises(RuntimeError), transaction.atomic():
        contacts.add_tag(ADA, "customer")
        raise RuntimeError
    deliver()
    assert contacts_api.requests == []


@pytest.mark.parametrize("fault", ["503", "429;retry-after=5", "401", "cut-before", "timeout-before", "500", "rubbish"])
def test_sequenzy_trouble_changes_neither_order_nor_count(contacts_api, provider_api, deliver, fault):
    make_four_changes()
    provider_api.faults = [fault]
    for _ in range(8):
        deliver()
        travel(timedelta(minutes=2))
    assert [route for _, route, _ in contacts_api.requests if route] == ["/tags", "/bulk/tags/remove", "/events"]
    assert statuses() == {Status.SENT}


@pytest.mark.parametrize("fault", ["cut-after", "500-after", "rubbish", "truncated"])
def test_event_that_may_have_arrived_counts_once(contacts_api, provider_api, deliver, fault):
    contacts.track_event(ADA, "Invoice paid")
    provider_api.faults = [fault]
    deliver()
    travel(timedelta(minutes=1))
    deliver()
    assert contacts_api.subscribers[ADA]["events"] == ["Invoice paid"]
    assert statuses() == {Status.SENT}


def test_refused_change_blocks_only_itself(contacts_api, provider_api, deliver):
    make_four_changes()
    provider_api.faults = [Reply(422, {"success": False, "error": "no"})]
    deliver()
    assert ContactChange.objects.get(status=Status.FAILED).action == "subscribe"
    assert len(contacts_api.requests) == 3


def test_one_contact_does_not_block_others(contacts_api, provider_api, deliver, settings):
    settings.EMAIL_DELIVERY_THREADS = 1  # so that the fault meets the first contact
    make_four_changes()
    contacts.add_tag("bob@example.com", "customer")
    provider_api.faults = ["cut-before"]
    deliver()
    assert contacts_api.subscribers["bob@example.com"]["tags"] == {"customer"}


def test_contact_is_unsubscribed_and_forgotten(contacts_api, deliver):
    make_four_changes()
    contacts.unsubscribe(ADA)
    deliver()
    assert contacts_api.subscribers[ADA]["status"] == "unsubscribed"
    contacts.forget(ADA)
    deliver()
    assert contacts_api.subscribers == {}
    left = ContactChange.objects.get()
    assert left.action == "forget"
    assert left.status == Status.SENT
    assert left.address == ""
    assert left.content is None


@pytest.mark.parametrize("change", [contacts.unsubscribe, contacts.forget])
def test_change_to_unknown_contact_succeeds(contacts_api, deliver, change):
    change("nobody+tag@example.com")
    deliver()
    assert statuses() == {Status.SENT}


def test_wrong_api_url_is_not_mistaken_for_unknown_contact(contacts_api, provider_api, deliver):
    contacts.forget(ADA)
    provider_api.faults = [Reply(404, b"<h1>Not Found</h1>", {"Content-Type": "text/html"})]
    deliver()
    assert statuses() == {Status.FAILED}
    assert ContactChange.objects.get().address == ADA


def test_forget_is_never_given_up(contacts_api, provider_api, deliver):
    contacts.add_tag("bob@example.com", "customer")
    contacts.forget(ADA)
    provider_api.down = True
    for _ in range(12):
        deliver()
        travel(timedelta(hours=6))
    deliver()
    assert ContactChange.objects.get(action="add_tag").reason == "gave_up"
    provider_api.down = False
    travel(timedelta(hours=2))
    deliver()
    assert ContactChange.objects.get(action="forget").status == Status.SENT


def test_separate_contacts_key_has_its_own_rate(contacts_api, provider_api, queue_emails, deliver, settings):
    settings.SEQUENZY_CONTACTS_API_KEY = "key-of-contacts"
    contacts.add_tag(ADA, "customer")
    deliver()
    assert provider_api.last.headers["authorization"] == "Bearer key-of-contacts"
    assert DeliveryAttempt.objects.get().provider == "sequenzy_contacts"
    provider_api.faults = ["429;retry-after=600"]
    contacts.add_tag(ADA, "another")
    deliver()
    queue_emails()
    deliver()
    assert ProviderState.objects.get(name="sequenzy").reason == ""
    assert OutboundEmail.objects.get().status == Status.SENT


def test_email_goes_first_with_a_shared_key(contacts_api, provider_api, queue_emails, deliver, settings):
    settings.EMAIL_DELIVERY_THREADS = 1  # several threads would race to the stand-in
    make_four_changes()
    queue_emails()
    deliver()
    assert provider_api.last.path.startswith("/sequenzy/api/v1/subscribers")
    assert email_was_sent_first(provider_api.bodies)


def email_was_sent_first(bodies: list[bytes]) -> bool:
    return b'"subject"' in bodies[0] and not any(b'"subject"' in body for body in bodies[1:])


def test_provider_without_contacts_drops_changes_with_a_log_line(contacts_api, settings, deliver, caplog):
    caplog.set_level("INFO")
    settings.EMAIL_PROVIDER = "smtp"
    contacts.add_tag(ADA, "customer")
    deliver()
    assert ContactChange.objects.count() == 0
    assert "contacts need one of sequenzy, resend, sendgrid as EMAIL_PROVIDER, and it is smtp" in caplog.text


def test_changes_are_dropped_while_sync_is_off(contacts_api, settings):
    settings.CONTACTS_SYNC = False
    make_four_changes()
    assert ContactChange.objects.count() == 0
    contacts.unsubscribe(ADA)
    assert ContactChange.objects.get().action == "unsubscribe"


def test_event_carries_its_time(contacts_api, deliver):
    contacts.track_event(ADA, "Invoice paid", occurred_at=datetime(2026, 1, 2, tzinfo=UTC))
    deliver()
    assert contacts_api.requests[0][2]["occurredAt"] == "2026-01-02T00:00:00+00:00"


@pytest.mark.parametrize(
    "change",
    [
        lambda: contacts.subscribe("not an address"),
        lambda: contacts.subscribe(""),
        lambda: contacts.add_tag(ADA, "Not A Tag"),
        lambda: contacts.add_tag(ADA, ""),
        lambda: contacts.track_event(ADA, ""),
        lambda: contacts.track_event(ADA, "x" * 101),
        lambda: contacts.track_event(ADA, "Paid", {"amount": float("nan")}),
        lambda: contacts.track_event(ADA, "Paid", {"who": object()}),
        lambda: contacts.track_event(ADA, "Paid", {"text": "a\0b"}),
        lambda: contacts.subscribe(ADA, attributes={"text": "\ud800"}),
    ],
)
def test_invalid_change_is_refused_immediately(contacts_api, change):
    with pytest.raises(contacts.InvalidContact):
        change()
    assert ContactChange.objects.count() == 0


def test_change_that_waited_during_the_upgrade_is_sent(contacts_api, deliver):
    content = {
        "customAttributes": {"plan": "free"},
        "firstName": "Ada",
        "externalId": "7",
        "lists": ["old"],
        "tags": [],
    }
    ContactChange.objects.create(action="subscribe", address=ADA, content=content)
    importlib.import_module("emails.migrations.0009_contact_sync").use_neutral_names(apps, None)
    deliver()
    assert contacts_api.state_of(ADA) == {"is_subscribed": True, "first_name": "Ada", "attributes": {"plan": "free"}}
