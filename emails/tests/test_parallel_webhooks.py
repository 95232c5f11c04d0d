"""Webhooks that arrive in parallel, also while a worker settles the same messages: no deadlock, and correct rows."""

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from emails.delivery import claims, drain
from emails.delivery.calls import Call
from emails.models import DeliveryEvent, OutboundEmail, Status, Suppression
from emails.tests.support.signed_events import WEBHOOK_SENDERS

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL"),
]

EMAIL_COUNT = 40
THREADS = 5
EVENTS_PER_POST = 15
KINDS = ["processed", "delivered", "bounce"]


@pytest.fixture
def answered_calls(webhook_sender_for, use_provider, queue_emails):
    """Calls to SendGrid with their responses, not yet settled."""
    use_provider("sendgrid")
    queue_emails(EMAIL_COUNT)
    calls: list[Call] = []
    while len(calls) < EMAIL_COUNT:
        calls += claims.next_calls(EMAIL_COUNT, idle=True)[0]
    return [(call, call.make()) for call in calls]


def event(kind: str, number: int, **fields: Any) -> Any:
    defaults = {"message": f"m{number}", "to": f"person-{number % EMAIL_COUNT}@example.com", "type": "bounce"}
    return WEBHOOK_SENDERS["sendgrid"]().event(kind, at=1.7e9 + KINDS.index(kind), **defaults | fields)[0]


def run_in_parallel(*actions: Callable[[], Any]) -> None:
    def act(action: Callable[[], Any]) -> None:
        action()
        connection.close()

    threads = [threading.Thread(target=act, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def post_in_parallel(events: list[Any], *others: Callable[[], Any]) -> list[int]:
    """Post all events from several threads, each in its own order, and return the status codes."""
    statuses: list[int] = []

    def post() -> None:
        webhook_sender, shuffled = WEBHOOK_SENDERS["sendgrid"](), random.sample(events, len(events))
        posts = [shuffled[first : first + EVENTS_PER_POST] for first in range(0, len(shuffled), EVENTS_PER_POST)]
        statuses.extend(webhook_sender.post(events).status_code for events in posts)

    run_in_parallel(*[post] * THREADS, *others)
    return statuses


@pytest.mark.parametrize("share_with_our_id", [0, 0.5, 1])
def test_parallel_events_about_same_messages_are_all_recorded(answered_calls, share_with_our_id):
    drain.settle_despite_outages(answered_calls)
    events = [
        event(kind, number, message=receipt.message_ids[0], to=call.rows[0].recipients)
        | ({"app_message_id": str(call.rows[0].pk)} if random.random() < share_with_our_id else {})
        for kind in KINDS
        for number, (call, receipt) in enumerate(answered_calls)
    ]
    assert set(post_in_parallel(events)) == {200}
    assert set(OutboundEmail.objects.values_list("status", "events__type")) == {
        (Status.BOUNCED, kind) for kind in ("sent", "delivered", "bounced")
    }
    assert DeliveryEvent.objects.count() == len(events)
    assert Suppression.objects.count() == EMAIL_COUNT


def test_parallel_events_survive_concurrent_settlement(answered_calls):
    events = [
        event(kind, number, our_id=call.rows[0].pk) for kind in KINDS for number, (call, _) in enumerate(answered_calls)
    ]

    def settle() -> None:
        for first in range(0, EMAIL_COUNT, 10):
            drain.settle_despite_outages(answered_calls[first : first + 10])

    assert set(post_in_parallel(events, settle)) == {200}
    rows = OutboundEmail.objects.filter(status=Status.BOUNCED).exclude(provider_message_id="")
    assert (rows.count(), DeliveryEvent.objects.filter(email=None).count()) == (EMAIL_COUNT, 0)


def test_parallel_events_of_foreign_email_are_recorded(webhook_sender_for, settings):
    settings.EMAIL_SUPPRESS_AFTER_FOREIGN_EVENTS = True
    events = [event("bounce", number) for number in range(6 * EMAIL_COUNT)]
    assert set(post_in_parallel(events)) == {200}
    assert DeliveryEvent.objects.count() == len(events)
    assert Suppression.objects.count() == EMAIL_COUNT
