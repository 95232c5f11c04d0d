"""Webhooks that come in parallel, and while a worker settles the same messages: no deadlock, and every row right."""

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

MAILS = 40
THREADS = 5
EVENTS_A_POST = 15
KINDS = ["processed", "delivered", "bounce"]


@pytest.fixture
def finished(webhook_sender_for, use_provider, queue_emails):
    """Calls to SendGrid with their answers, not settled yet."""
    use_provider("sendgrid")
    queue_emails(MAILS)
    calls: list[Call] = []
    while len(calls) < MAILS:
        calls += claims.next_calls(MAILS, idle=True)[0]
    return [(call, call.make()) for call in calls]


def event(kind: str, number: int, **fields: Any) -> Any:
    told = {"message": f"m{number}", "to": f"person-{number % MAILS}@example.com", "type": "bounce"}
    return WEBHOOK_SENDERS["sendgrid"]().event(kind, at=1.7e9 + KINDS.index(kind), **told | fields)[0]


def at_once(*actions: Callable[[], Any]) -> None:
    def act(action: Callable[[], Any]) -> None:
        action()
        connection.close()

    threads = [threading.Thread(target=act, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def bring(events: list[Any], *others: Callable[[], Any]) -> list[int]:
    """Several post all the events, each in an order of its own; returns the statuses of the answers."""
    statuses: list[int] = []

    def post() -> None:
        webhook_sender, shuffled = WEBHOOK_SENDERS["sendgrid"](), random.sample(events, len(events))
        posts = [shuffled[first : first + EVENTS_A_POST] for first in range(0, len(shuffled), EVENTS_A_POST)]
        statuses.extend(webhook_sender.post(events).status_code for events in posts)

    at_once(*[post] * THREADS, *others)
    return statuses


@pytest.mark.parametrize("share_with_our_id", [0, 0.5, 1])
def test_parallel_events_about_same_messages_are_all_recorded(finished, share_with_our_id):
    drain.settle_despite_outages(finished)
    events = [
        event(kind, number, message=receipt.message_ids[0], to=call.rows[0].recipients)
        | ({"app_message_id": str(call.rows[0].pk)} if random.random() < share_with_our_id else {})
        for kind in KINDS
        for number, (call, receipt) in enumerate(finished)
    ]
    assert set(bring(events)) == {200}
    assert set(OutboundEmail.objects.values_list("status", "events__type")) == {
        (Status.BOUNCED, kind) for kind in ("sent", "delivered", "bounced")
    }
    assert DeliveryEvent.objects.count() == len(events)
    assert Suppression.objects.count() == MAILS


def test_parallel_events_survive_concurrent_settlement(finished):
    events = [
        event(kind, number, our_id=call.rows[0].pk) for kind in KINDS for number, (call, _) in enumerate(finished)
    ]

    def settle() -> None:
        for first in range(0, MAILS, 10):
            drain.settle_despite_outages(finished[first : first + 10])

    assert set(bring(events, settle)) == {200}
    rows = OutboundEmail.objects.filter(status=Status.BOUNCED).exclude(provider_message_id="")
    assert (rows.count(), DeliveryEvent.objects.filter(email=None).count()) == (MAILS, 0)


def test_parallel_events_of_foreign_email_are_recorded(webhook_sender_for):
    events = [event("bounce", number) for number in range(6 * MAILS)]
    assert set(bring(events)) == {200}
    assert DeliveryEvent.objects.count() == len(events)
    assert Suppression.objects.count() == MAILS
