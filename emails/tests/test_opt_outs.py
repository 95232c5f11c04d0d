"""A person who wants no marketing email is never subscribed again, and gets every other email."""

from datetime import timedelta

import pytest

from common.db import database_now
from emails import contacts
from emails.models import ContactChange, DeliveryEvent, OutboundEmail, Status, Suppression
from emails.tests.support.clock import travel
from emails.tracking.opt_outs import opted_out_among
from emails.tracking.suppressions import is_suppressed, suppress

ADA, NEW = "ada@example.com", "ada@new.example"
Cause = Suppression.Cause

# What a provider reports when a person unsubscribes. An entry without a name is the whole event.
UNSUBSCRIBES = [
    ("resend", "contact.updated", {"id": "c1", "email": "Ada@Example.com", "unsubscribed": True}),
    ("sendgrid", "unsubscribe", {}),
    ("sequenzy", "email.unsubscribed", {}),
    ("sequenzy", "subscriber.unsubscribed", {}),
    ("sequenzy", "subscriber.unsubscribed", {"recipient": "", "subscriber": {"email": "Ada@Example.com"}}),
    ("sequenzy", "subscriber.unsubscribed", {"metadata": {"source": "api"}}),
]


def report(sender, name: str, data) -> None:
    event = {"type": name, "data": data} if name.startswith("contact.") else sender.event(name, **data)
    assert sender.post(event).status_code == 200


def make_every_change(address: str = ADA) -> None:
    contacts.subscribe(address, first_name="Ada", attributes={"plan": "free"}, tags=["signed-up"])
    contacts.add_tag(address, "customer")
    contacts.update(address, {"plan": "pro"})
    contacts.track_event(address, "subscription_started")


@pytest.mark.parametrize(("provider", "name", "data"), UNSUBSCRIBES)
def test_reported_unsubscribe_outlives_every_change(sync_contacts, webhook_sender_for, deliver, provider, name, data):
    api = sync_contacts(provider)
    make_every_change()
    deliver()
    api.unsubscribe(ADA)
    report(webhook_sender_for(provider), name, data)
    make_every_change()
    deliver()
    assert not api.state_of(ADA)["is_subscribed"]
    contacts.change_address(ADA, NEW, attributes={"plan": "pro"})
    make_every_change(NEW)
    deliver()
    travel(timedelta(minutes=11))
    deliver()
    assert api.state_of(ADA) is None
    assert not api.state_of(NEW)["is_subscribed"]
    assert api.state_of(NEW)["attributes"]["plan"] == "pro"


@pytest.mark.parametrize(("provider", "name", "data"), UNSUBSCRIBES)
def test_reported_unsubscribe_causes_no_call_and_no_loop(
    sync_contacts, webhook_sender_for, deliver, provider_api, provider, name, data
):
    sync_contacts(provider)
    for _ in range(3):
        report(webhook_sender_for(provider), name, data)
    deliver()
    assert (ContactChange.objects.count(), provider_api.calls) == (0, 0)
    assert Suppression.objects.get().scope == "marketing"


@pytest.mark.parametrize("change", ["subscribe", "update", "change_address"])
def test_new_contact_of_an_opted_out_person_is_unsubscribed(contacts_at, deliver, change):
    contacts.unsubscribe(ADA)
    changes = {
        "subscribe": lambda: contacts.subscribe(ADA, first_name="Ada"),
        "update": lambda: contacts.update(ADA, {"plan": "pro"}),
        "change_address": lambda: contacts.change_address("ada@old.example", ADA, first_name="Ada"),
    }
    changes[change]()
    deliver()
    assert not contacts_at.state_of(ADA)["is_subscribed"]


@pytest.mark.parametrize("change", [contacts.add_tag, contacts.track_event])
def test_tags_and_events_create_no_contact_of_an_opted_out_person(contacts_at, deliver, change):
    contacts.unsubscribe(ADA)
    change(ADA, "customer")
    deliver()
    state = contacts_at.state_of(ADA)
    assert state is None or not state["is_subscribed"]


def test_opt_out_outlives_erasure_and_a_new_account(contacts_at, deliver):
    contacts.subscribe(ADA)
    contacts.unsubscribe(ADA)
    contacts.forget(ADA)
    contacts.subscribe(ADA, first_name="Ada")
    for _ in range(3):
        deliver()
        travel(timedelta(minutes=11))
    assert not contacts_at.state_of(ADA)["is_subscribed"]


@pytest.mark.parametrize(("provider", "name", "data"), UNSUBSCRIBES)
def test_unsubscribe_never_stops_other_email(
    sync_contacts, webhook_sender_for, queue_emails, deliver, provider_api, provider, name, data
):
    api = sync_contacts(provider)
    contacts.subscribe(ADA)
    deliver()
    api.unsubscribe(ADA)
    report(webhook_sender_for(provider), name, data)
    queue_emails(to=[ADA])
    deliver()
    assert OutboundEmail.objects.get().status == Status.SENT
    assert not is_suppressed(ADA)
    assert len(provider_api.accepted) == 1


def test_unsubscribe_from_one_group_is_not_broadened(sync_contacts, webhook_sender_for):
    sync_contacts("sendgrid")
    webhook_sender_for("sendgrid").send_event("group_unsubscribe", to=ADA, asm_group_id=10)
    assert DeliveryEvent.objects.get().type == "unsubscribed"
    assert opted_out_among([ADA]) == set()


@pytest.mark.parametrize(
    ("provider", "event"),
    [
        ("resend", {"type": "contact.updated", "data": {"email": ADA, "unsubscribed": False}}),
        ("resend", {"type": "contact.created", "data": {"email": ADA, "unsubscribed": False}}),
        ("resend", {"type": "contact.updated", "data": {"email": [ADA, NEW], "unsubscribed": True}}),
        ("sendgrid", [{"event": "group_resubscribe", "email": ADA, "asm_group_id": 10}]),
        ("sequenzy", {"type": "subscriber.updated", "data": {"email": ADA, "status": "active"}}),
        ("sequenzy", {"type": "subscriber.list_unsubscribed", "data": {"email": ADA}}),
    ],
)
def test_other_reports_neither_record_nor_lift_an_opt_out(sync_contacts, webhook_sender_for, provider, event):
    sync_contacts(provider)
    sender = webhook_sender_for(provider)
    sender.post(event)
    assert not Suppression.objects.exists()
    suppress(ADA, cause=Cause.UNSUBSCRIBED)
    sender.post(event)
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("cause", [Cause.HARD_BOUNCE, Cause.COMPLAINT])
def test_bounced_or_complaining_person_is_not_subscribed(contacts_at, deliver, cause):
    suppress(ADA, cause=cause)
    contacts.subscribe(ADA, first_name="Ada")
    deliver()
    assert not contacts_at.state_of(ADA)["is_subscribed"]


def test_person_with_full_mailbox_stays_subscribed(contacts_at, deliver):
    suppress(ADA, cause=Cause.SOFT_BOUNCES, until=database_now() + timedelta(days=7))
    contacts.subscribe(ADA, first_name="Ada")
    deliver()
    assert contacts_at.state_of(ADA)["is_subscribed"]


@pytest.mark.parametrize(
    ("cause", "moves"), [(Cause.UNSUBSCRIBED, True), (Cause.COMPLAINT, True), (Cause.HARD_BOUNCE, False)]
)
def test_what_a_person_decided_moves_to_a_new_address(db, cause, moves):
    suppress(ADA, cause=cause)
    contacts.change_address(ADA, NEW)
    assert (NEW in opted_out_among([NEW])) == moves
    assert ADA in opted_out_among([ADA])


def test_unsubscribe_at_another_provider_is_passed_on_once(sync_contacts, webhook_sender_for, deliver):
    api = sync_contacts("resend")
    contacts.subscribe(ADA, first_name="Ada")
    deliver()
    for _ in range(2):
        webhook_sender_for("sendgrid").send_event("unsubscribe", to=ADA, at=1793880200)
    deliver()
    assert not api.state_of(ADA)["is_subscribed"]
    assert ContactChange.objects.filter(action="unsubscribe").count() == 1


def test_opt_out_replaces_one_with_an_end(db):
    Suppression.objects.create(address=ADA, scope="marketing", until=database_now() - timedelta(days=1))
    contacts.unsubscribe(ADA)
    assert opted_out_among([ADA]) == {ADA}
