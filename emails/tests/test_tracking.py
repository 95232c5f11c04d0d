"""What events change: the row's status, forward only; the suppression list; who listens to the signal."""

import itertools
import uuid
from datetime import timedelta
from typing import Any

import pytest

from emails import tracking
from emails.delivery import claims, drain
from emails.delivery.calls import Call
from emails.history import history
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Reason, Status, Suppression
from emails.signals import delivery_event
from emails.suppressions import is_suppressed, lift
from emails.tests.clock import travel
from emails.tests.conftest import PROVIDERS
from emails.tests.events import ago

Told = dict[str, tuple[str, dict[str, Any]]]

HARD: Told = {
    "sequenzy": ("email.bounced", {"bounce_type": "Permanent"}),
    "resend": ("email.bounced", {"bounce": {"type": "Permanent"}}),
    "sendgrid": ("bounce", {"type": "bounce", "status": "5.1.1"}),
}
SOFT: Told = {
    "sequenzy": ("email.bounced", {"bounce_type": "Transient"}),
    "resend": ("email.bounced", {"bounce": {"type": "Transient"}}),
    "sendgrid": ("bounce", {"type": "blocked"}),
}
COMPLAINT = {"sequenzy": "email.complained", "resend": "email.complained", "sendgrid": "spamreport"}
DELIVERED = {"sequenzy": "email.delivered", "resend": "email.delivered", "sendgrid": "delivered"}
SENT = {"sequenzy": "email.sent", "resend": "email.sent", "sendgrid": "processed"}


@pytest.fixture(params=PROVIDERS)
def provider(request, outbox):
    outbox(request.param)
    return request.param


@pytest.fixture
def poster(provider, webhooks):
    return webhooks(provider)


@pytest.fixture
def row(provider, queue, deliver):
    (row,) = queue()
    deliver()
    row.refresh_from_db()
    return row


def about(row: OutboundEmail, provider: str) -> dict[str, Any]:
    """What the provider says of the message: our id, where it carries it, and its own."""
    ours = {} if provider == "sequenzy" else {"ours": row.pk}
    return {"message": row.provider_message_id, "to": row.recipients, **ours}


def status(row: OutboundEmail) -> str:
    row.refresh_from_db()
    return row.status


def test_delivered(poster, provider, row):
    poster.tell(DELIVERED[provider], **about(row, provider))
    assert status(row) == Status.DELIVERED
    assert [event.type for event in row.events.all()] == ["delivered"]


def test_found_by_the_providers_id_alone(poster, provider, row):
    poster.tell(DELIVERED[provider], message=row.provider_message_id, to=row.recipients)
    assert status(row) == Status.DELIVERED


@pytest.mark.parametrize("provider_id", ["a.b.c", "filter0001.recv-5f-1.0"])
def test_sendgrids_older_ids_have_dots(webhooks, outbox, queue, deliver, provider_id):
    outbox("sendgrid")
    (row,) = queue()
    deliver()
    OutboundEmail.objects.update(provider_message_id=provider_id)
    webhooks("sendgrid").tell("delivered", message=provider_id)
    assert status(row) == Status.DELIVERED


def test_a_hard_bounce_suppresses_and_the_next_message_makes_no_call(poster, provider, row, api, queue, deliver):
    kind, data = HARD[provider]
    poster.tell(kind, **about(row, provider), **data)
    assert status(row) == Status.BOUNCED
    assert Suppression.objects.get().cause == "hard_bounce"
    calls = api.calls
    (following,) = queue()
    deliver()
    assert (status(following), api.calls) == (Status.SUPPRESSED, calls)


def test_after_a_person_lifted_it_mail_goes_out_and_old_news_changes_nothing(poster, provider, row, queue, deliver):
    kind, data = HARD[provider]
    event = poster.event(kind, **about(row, provider), **data)
    poster.post(event)
    lift("person-0@example.com")
    assert poster.post(event).json()["new"] == 0
    (following,) = queue()
    deliver()
    assert status(following) == Status.SENT


def test_a_complaint_suppresses(poster, provider, row):
    poster.tell(COMPLAINT[provider], **about(row, provider))
    assert status(row) == Status.COMPLAINED
    assert Suppression.objects.get().cause == "complaint"


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_order_does_not_matter(webhooks, outbox, queue, deliver, order):
    outbox("sendgrid")
    (row,) = queue()
    deliver()
    row.refresh_from_db()
    poster = webhooks("sendgrid")
    told = ["processed", "delivered", "bounce", "spamreport"]
    events = [poster.event(kind, **about(row, "sendgrid"), at=ago(minutes=9 - n)) for n, kind in enumerate(told)]
    for number in order:
        poster.post(events[number])
    assert status(row) == Status.COMPLAINED
    assert row.events.count() == 4


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        ("delivered", "processed", Status.DELIVERED),
        ("delivered", "deferred", Status.DELIVERED),
        ("delivered", "bounce", Status.BOUNCED),
        ("bounce", "delivered", Status.BOUNCED),
        ("spamreport", "delivered", Status.COMPLAINED),
        ("processed", "open", Status.DELIVERED),
        ("processed", "dropped", Status.FAILED),
        ("processed", "unsubscribe", Status.SENT),
    ],
)
def test_forward_only(webhooks, outbox, queue, deliver, first, then, expected):
    outbox("sendgrid")
    (row,) = queue()
    deliver()
    row.refresh_from_db()
    poster = webhooks("sendgrid")
    for kind in (first, then):
        poster.tell(kind, **about(row, "sendgrid"))
    assert status(row) == expected


def test_of_several_recipients_the_worst_shows(webhooks, outbox, queue, deliver):
    outbox("sendgrid")
    (row,) = queue(to=["ada@example.com", "bob@example.com"])
    deliver()
    row.refresh_from_db()
    poster = webhooks("sendgrid")
    kind, data = HARD["sendgrid"]
    poster.tell(kind, **about(row, "sendgrid") | {"to": "bob@example.com"}, **data)
    poster.tell("delivered", **about(row, "sendgrid") | {"to": "ada@example.com"})
    assert status(row) == Status.BOUNCED
    assert Suppression.objects.get().address == "bob@example.com"


def test_soft_bounces_suppress_for_a_week_after_more_than_five(poster, provider, row):
    kind, data = SOFT[provider]
    for number in range(6):
        assert not is_suppressed("person-0@example.com")
        poster.tell(kind, message=f"m{number}", to="person-0@example.com", at=ago(minutes=30 - number), **data)
    suppression = Suppression.objects.get()
    assert suppression.cause == "soft_bounces"
    travel(timedelta(days=6, hours=23))
    assert is_suppressed("person-0@example.com")
    travel(timedelta(hours=2))
    assert not is_suppressed("person-0@example.com")


def test_a_delivery_in_between_begins_the_count_anew(poster, provider, row):
    kind, data = SOFT[provider]
    for number in range(9):
        name, fields = (DELIVERED[provider], {}) if number == 4 else (kind, data)
        poster.tell(name, message=f"m{number}", to="person-0@example.com", at=ago(minutes=30 - number), **fields)
    assert not is_suppressed("person-0@example.com")


@pytest.mark.parametrize(
    ("provider", "kind", "data"),
    [
        ("sequenzy", "email.failed", {"failure": {"code": "transport_exhausted", "message": "no transport"}}),
        ("sequenzy", "email.delivery_delayed", {}),
        ("resend", "email.failed", {"failed": {"reason": "reached_daily_quota"}}),
        ("resend", "email.delivery_delayed", {}),
        ("sendgrid", "dropped", {"reason": "Recipient List over Package Quota"}),
        ("sendgrid", "dropped", {"reason": "Spam Content"}),
        ("sendgrid", "dropped", {"reason": "Unsubscribed Address"}),
        ("sendgrid", "deferred", {"response": "451 try again"}),
        ("sendgrid", "bounce", {"type": "blocked", "status": "5.7.1"}),
        ("sendgrid", "unsubscribe", {}),
    ],
)
def test_what_is_not_the_addresses_fault_never_suppresses(webhooks, provider, kind, data):
    poster = webhooks(provider)
    for number in range(5):
        poster.tell(kind, message=f"m{number}", **data)
    assert not Suppression.objects.exists()


def test_resends_undetermined_bounce_is_hard_when_it_happens_again(webhooks):
    poster = webhooks("resend")
    bounce = {"bounce": {"type": "Undetermined"}}
    poster.tell("email.bounced", message="m1", at=ago(minutes=9), **bounce)
    assert not is_suppressed("ada@example.com")
    poster.tell("email.bounced", message="m1", at=ago(minutes=8), **bounce)
    assert not is_suppressed("ada@example.com"), "the same message"
    poster.tell("email.bounced", message="m2", at=ago(minutes=7), **bounce)
    assert is_suppressed("ada@example.com")


def test_resend_names_all_recipients_so_none_of_several_is_suppressed(webhooks, outbox, queue, deliver):
    outbox("resend")
    (row,) = queue(to=["ada@example.com"], cc=["bob@example.com"])
    deliver()
    row.refresh_from_db()
    kind, data = HARD["resend"]
    webhooks("resend").tell(kind, **about(row, "resend") | {"to": "ada@example.com"}, **data)
    assert status(row) == Status.BOUNCED
    assert not Suppression.objects.exists()


def test_a_recipient_that_is_a_guess_counts_for_no_address(webhooks):
    """The bounces of a neighbour in `to` and one of one's own are not six in a row."""
    kind, data = SOFT["resend"]
    poster = webhooks("resend")
    for number in range(6):
        event = poster.event(kind, message=f"m{number}", at=ago(minutes=30 - number), **data)
        event["data"]["to"] = ["ada@example.com", "bob@example.com"] if number < 5 else ["ada@example.com"]
        poster.post(event)
    assert not Suppression.objects.exists()


def call_made() -> tuple[Call, Any]:
    """A worker between the provider's answer and its own commit."""
    [call], _ = claims.next_calls(8, idle=True)
    return call, call.make()


def test_an_event_before_our_own_commit_of_sent_finds_its_row(webhooks, outbox, queue):
    outbox("sendgrid")
    (row,) = queue(sensitive=True)
    finished = call_made()
    webhooks("sendgrid").tell("delivered", message="", ours=row.pk)
    drain.settle_despite_outages([finished])
    row.refresh_from_db()
    assert (row.status, row.content, row.due_at) == (Status.DELIVERED, None, None)
    assert row.sent_at is not None
    assert row.provider_message_id
    assert DeliveryAttempt.objects.get().outcome == "accepted"


def test_sequenzys_early_event_waits_for_the_id(webhooks, outbox, queue):
    outbox("sequenzy")
    (row,) = queue()
    call, answer = call_made()
    webhooks("sequenzy").tell("email.delivered", message=answer.message_ids[0])
    assert DeliveryEvent.objects.get().email is None
    drain.settle_despite_outages([(call, answer)])
    assert status(row) == Status.DELIVERED
    assert row.events.count() == 1


def test_an_event_that_was_stored_at_the_same_moment_is_linked_later(webhooks, outbox, queue, deliver):
    outbox("sequenzy")
    (row,) = queue()
    deliver()
    row.refresh_from_db()
    webhooks("sequenzy").tell("email.delivered", message="early")
    OutboundEmail.objects.update(provider_message_id="early")
    tracking.link_strays()
    assert status(row) == Status.DELIVERED


@pytest.mark.parametrize("fault", ["cut-after", "timeout-after", "500-after"])
def test_sendgrids_unknown_outcome_is_settled_by_an_event(webhooks, api, outbox, queue, deliver, settings, fault):
    settings.EMAIL_CALL_DEADLINE_SECONDS = 1
    outbox("sendgrid")
    (row,) = queue()
    api.faults = [fault]
    deliver()
    assert status(row) == Status.SENDING
    webhooks("sendgrid").tell("processed", message="theirs", ours=row.pk)
    assert status(row) == Status.SENT
    assert DeliveryAttempt.objects.get().outcome == "accepted"
    travel(timedelta(minutes=6))
    deliver()
    assert len(api.accepted) == 1


def test_without_an_event_it_is_repeated_after_five_minutes(webhooks, api, outbox, queue, deliver):
    outbox("sendgrid")
    (row,) = queue()
    api.faults = ["cut-before"]
    deliver()
    travel(timedelta(minutes=4))
    deliver()
    assert api.calls == 1
    travel(timedelta(minutes=2))
    deliver()
    assert (status(row), api.calls) == (Status.SENT, 2)


def test_an_event_while_the_call_ends_unknown_prevents_the_repeat(webhooks, api, outbox, queue, deliver):
    outbox("sendgrid")
    (row,) = queue()
    api.faults = ["cut-after"]
    finished = call_made()
    webhooks("sendgrid").tell("processed", message="theirs", ours=row.pk)
    drain.settle_despite_outages([finished])
    travel(timedelta(minutes=6))
    deliver()
    assert (status(row), len(api.accepted)) == (Status.SENT, 1)
    assert DeliveryAttempt.objects.get().outcome == "accepted"


def test_an_event_proves_what_was_given_up_as_unknown(webhooks, outbox, queue):
    (row,) = queue()
    OutboundEmail.objects.update(status=Status.FAILED, reason=Reason.OUTCOME_UNKNOWN, due_at=None)
    webhooks("resend").tell("email.delivered", message="theirs", ours=row.pk)
    assert (status(row), row.reason) == (Status.DELIVERED, "")


def test_a_queued_row_that_an_event_proves_is_not_sent_again(webhooks, api, outbox, queue, deliver):
    outbox("sendgrid")
    (row,) = queue()
    webhooks("sendgrid").tell("processed", message="theirs", ours=row.pk)
    deliver()
    assert (status(row), api.calls) == (Status.SENT, 0)


def test_events_of_mail_that_is_not_ours_are_kept_unlinked(poster, provider):
    poster.tell(DELIVERED[provider], message="another", **({} if provider == "sequenzy" else {"ours": uuid.uuid4()}))
    assert DeliveryEvent.objects.get().email is None


def test_the_project_is_told_once_by_a_signal(poster, provider, row, django_capture_on_commit_callbacks):
    heard = []

    def listen(sender, event, email, **_):
        heard.append((event.type, email.status))
        raise RuntimeError("what a listener raises changes nothing")

    delivery_event.connect(listen)
    try:
        event = poster.event(DELIVERED[provider], **about(row, provider))
        for _ in range(2):
            with django_capture_on_commit_callbacks(execute=True):
                assert poster.post(event).status_code == 200
    finally:
        delivery_event.disconnect(listen)
    assert heard == [("delivered", "delivered")]


def test_a_message_shows_its_events(webhooks, queue, deliver):
    (row,) = queue()
    deliver()
    row.refresh_from_db()
    webhooks("resend").tell("email.delivered", message="theirs", ours=row.pk, at=ago(seconds=-5))
    assert [event.event for event in history(row)] == ["queued", "attempt", "sent", "delivered"]
