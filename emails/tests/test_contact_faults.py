"""Contacts when something fails: each call of a change may be refused, lost, or repeated, and email goes on."""

from datetime import timedelta

import pytest

from emails import contacts
from emails.backends import contacts_provider
from emails.backends.contacts.client import log_no_access
from emails.models import ContactChange, DeliveryAttempt, ProviderState, Status
from emails.monitoring import report
from emails.tests.conftest import PROVIDERS
from emails.tests.support.clock import travel
from emails.tests.support.provider_rules import Reply

ADA, NEW = "ada@example.com", "ada@new.example"
FAULTS = ["503", "429;retry-after=5", "401", "cut-before", "cut-after", "500-after", "timeout-after", "truncated"]
LONGEST = {"sequenzy": 4, "resend": 4, "sendgrid": 6}  # calls of a change of the address
CHANGES = [(old, new) for old in PROVIDERS for new in PROVIDERS if old != new]


def cases(*rows: tuple[object, ...], faults: list[str]) -> list[object]:
    """Combine each row with each fault. Each row runs in CI with a lost response, and the last row with every fault."""
    return [
        pytest.param(*row, fault, marks=[] if fault == "cut-after" or row == rows[-1] else pytest.mark.exhaustive)
        for row in rows
        for fault in faults
    ]


AT_EACH_CALL = [(provider, call) for provider, calls in LONGEST.items() for call in range(calls)]


@pytest.fixture(autouse=True)
def forget_logged_gaps():
    log_no_access.cache_clear()


def deliver_for_hours(deliver) -> None:
    for _ in range(8):
        deliver()
        travel(timedelta(minutes=15))
        if not ContactChange.objects.filter(settled_at=None).exists():
            break


def test_calls_of_a_change_are_as_many_as_these_tests_assume(contacts_at, provider, provider_api, deliver):
    prepare_hard_change(contacts_at, deliver)
    before = provider_api.calls
    deliver_for_hours(deliver)
    assert provider_api.calls - before == LONGEST[provider]


def prepare_hard_change(api, deliver) -> None:
    """Queue the change of an address, to one that is another contact, of a person who unsubscribed at the provider."""
    contacts.subscribe(ADA, first_name="Ada", attributes={"plan": "free"})
    contacts.subscribe(NEW, attributes={"source": "fair"})
    deliver()
    api.unsubscribe(ADA)
    travel(timedelta(minutes=15))
    contacts.change_address(ADA, NEW, attributes={"plan": "pro"}, first_name="Ada")


@pytest.mark.parametrize(("provider", "call", "fault"), cases(*AT_EACH_CALL, faults=FAULTS))
def test_trouble_at_any_call_changes_nothing(sync_contacts, provider_api, deliver, provider, call, fault):
    api = sync_contacts(provider)
    prepare_hard_change(api, deliver)
    provider_api.faults = ["ok"] * call + [fault]
    deliver_for_hours(deliver)
    assert api.state_of(ADA) is None
    attributes = {"plan": "pro", "source": "fair"}
    assert api.state_of(NEW) == {"is_subscribed": False, "first_name": "Ada", "attributes": attributes}
    assert {(change.status, str(change.progress)) for change in ContactChange.objects.all()} == {(Status.SENT, "{}")}


def test_key_that_may_only_send_stops_contacts_but_no_email(
    contacts_at, provider, provider_api, queue_emails, deliver, settings
):
    setattr(settings, f"{provider.upper()}_API_KEY", "key-for-sending-only")
    for number in range(8):  # more failures in a row than open the circuit breaker
        contacts.forget(f"person-{number}@example.com")
    deliver()
    queue_emails(3)
    travel(timedelta(minutes=2))
    deliver()
    assert len(provider_api.accepted) == 3
    assert ProviderState.objects.get(name=provider).reason == ""
    assert ProviderState.objects.get(name=f"{provider}_contacts").reason == "configuration"
    assert set(ContactChange.objects.values_list("status", flat=True)) == {Status.QUEUED}
    assert report().is_healthy, "the service must not be taken out of use for contacts"
    setattr(settings, f"{provider.upper()}_CONTACTS_API_KEY", "key-with-full-access")
    deliver_for_hours(deliver)
    assert set(ContactChange.objects.values_list("status", flat=True)) == {Status.SENT}
    assert provider_api.last.headers["authorization"] == "Bearer key-with-full-access"


def test_key_that_may_only_send_is_enough_without_sync(contacts_at, provider, queue_emails, deliver, settings, caplog):
    """Otherwise, the address of a deleted person would wait here for a key that nobody needs."""
    settings.CONTACTS_SYNC = False
    setattr(settings, f"{provider.upper()}_API_KEY", "key-for-sending-only")
    contacts.forget(ADA)
    contacts.forget(NEW)
    deliver()
    assert {*ContactChange.objects.values_list("status", "address")} == {(Status.CANCELLED, "")}
    assert ProviderState.objects.get(name=f"{provider}_contacts").reason == ""
    assert len([record for record in caplog.records if "_CONTACTS_API_KEY" in record.message]) == 1


@pytest.mark.parametrize("fault", ["500", "503", "404-html", "429;retry-after=3600", "timeout-before"])
def test_trouble_with_contacts_stops_no_email(contacts_at, provider, provider_api, queue_emails, deliver, fault):
    for number in range(8):
        contacts.unsubscribe(f"person-{number}@example.com")
    provider_api.default = fault
    deliver()
    provider_api.default = "ok"
    queue_emails(3)
    deliver()
    assert len(provider_api.accepted) == 3


@pytest.mark.parametrize(("provider", "held_back"), [("resend", True), ("sequenzy", True), ("sendgrid", False)])
def test_contacts_wait_while_the_limit_they_share_is_reached(
    sync_contacts, provider_api, queue_emails, deliver, provider, held_back
):
    sync_contacts(provider)
    queue_emails()
    provider_api.faults = ["429;retry-after=600"]
    deliver()
    contacts.unsubscribe(ADA)
    deliver()
    assert ContactChange.objects.get().status == (Status.QUEUED if held_back else Status.SENT)


@pytest.mark.parametrize("provider", ["resend", "sequenzy"])
def test_contacts_and_emails_share_one_rate(sync_contacts, queue_emails, deliver, provider, settings):
    sync_contacts(provider)
    settings.EMAIL_RATE_PER_SECOND = 50
    contacts.unsubscribe(ADA)
    queue_emails()
    deliver()
    assert ProviderState.objects.get(name=provider).next_slot_at is not None
    assert ProviderState.objects.get(name=f"{provider}_contacts").next_slot_at is None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_email_goes_before_contacts(sync_contacts, provider_api, queue_emails, deliver, provider, settings):
    sync_contacts(provider)
    settings.EMAIL_DELIVERY_THREADS = 1
    for number in range(5):
        contacts.unsubscribe(f"person-{number}@example.com")
    queue_emails()
    deliver()
    assert b"Hello there." in provider_api.bodies[0]


@pytest.mark.parametrize(
    ("old", "new", "fault"), cases(*CHANGES, faults=["503", "cut-before", "cut-after", "timeout-after", "401"])
)
def test_waiting_changes_go_to_the_new_provider(sync_contacts, provider_api, deliver, settings, old, new, fault):
    sync_contacts(old)
    contacts.subscribe(ADA, attributes={"plan": "free"})
    contacts.change_address(ADA, NEW, attributes={"plan": "pro"})
    provider_api.faults = ["ok", fault]
    deliver()
    setattr(settings, f"{old.upper()}_API_KEY", "")
    api = sync_contacts(new)
    deliver_for_hours(deliver)
    assert api.state_of(NEW)["attributes"] == {"plan": "pro"}
    assert api.state_of(ADA) is None
    assert set(ContactChange.objects.values_list("status", flat=True)) == {Status.SENT}
    assert not DeliveryAttempt.objects.exclude(due_at=None).exists()


def test_attempt_that_was_stored_under_the_name_of_emails_is_repeated(sync_contacts, provider_api, deliver):
    """Before contacts had names of their own, a shared key meant a shared name."""
    api = sync_contacts("sequenzy")
    contacts.add_tag(ADA, "customer")
    provider_api.faults = ["cut-after"]
    deliver()
    DeliveryAttempt.objects.update(provider="sequenzy")
    deliver_for_hours(deliver)
    assert api.subscribers[ADA]["tags"] == {"customer"}
    assert ContactChange.objects.get().provider == contacts_provider()


def test_refusal_blocks_only_the_change_that_is_refused(contacts_at, provider_api, deliver):
    contacts.subscribe(ADA, first_name="Ada")
    provider_api.faults = [
        Reply(422, {"success": False, "error": "no", "message": "no", "errors": [{"message": "no"}]})
    ]
    contacts.update(ADA, {"plan": "pro"})
    deliver()
    assert [*ContactChange.objects.order_by("pk").values_list("status", flat=True)] == [Status.FAILED, Status.SENT]
    assert contacts_at.state_of(ADA)["attributes"] == {"plan": "pro"}
