"""Who is dead, complains or bounces again and again gets no more mail; what fails on the way says nothing of them."""

from datetime import timedelta

import pytest

from emails.models import Status, Suppression
from emails.tests.support.clock import travel
from emails.tests.support.provider_payloads import COMPLAINT, DELIVERED, HARD, SOFT, about, status
from emails.tests.support.signed_events import ago
from emails.tracking.suppressions import is_suppressed


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
    Suppression.objects.get().delete()
    assert poster.post(event).json()["new"] == 0
    (following,) = queue()
    deliver()
    assert status(following) == Status.SENT


def test_a_complaint_suppresses(poster, provider, row):
    poster.tell(COMPLAINT[provider], **about(row, provider))
    assert status(row) == Status.COMPLAINED
    assert Suppression.objects.get().cause == "complaint"


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
