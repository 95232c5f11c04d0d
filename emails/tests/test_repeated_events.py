"""SendGrid may deliver an event more than once, with another event ID and without the IDs of its message."""

import random
import time
from typing import Any

import pytest

from emails.models import DeliveryEvent, Suppression

EVENTS: list[dict[str, Any]] = [
    {"event": "bounce", "type": "blocked", "status": "4.2.2", "reason": "452 4.2.2 mailbox is full"},
    {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 unknown"},
    {"event": "bounce", "reason": "DNS failure"},
    {"event": "blocked", "reason": "550 refused"},
    {"event": "dropped", "reason": "Bounced Address"},
    {"event": "deferred", "response": "400 try again later", "attempt": "5"},
    {"event": "delivered", "response": "250 OK"},
    {"event": "processed"},
    {"event": "open", "useragent": "Mail"},
    {"event": "click", "url": "https://example.com/"},
    {"event": "spamreport"},
    {"event": "group_unsubscribe", "asm_group_id": 10},
    {"event": "something_new"},
]


@pytest.fixture
def post(webhook_sender_for, settings):
    """Provide a function that posts events to our receiver. Events without a message suppress as well."""
    settings.EMAIL_SUPPRESS_AFTER_FOREIGN_EVENTS = True
    return webhook_sender_for("sendgrid").post


def without_ids(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"email": "ada@example.com", "timestamp": int(time.time()) - 60, "sg_message_id": "", **event, **changes}


def deliveries(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the event in every form in which SendGrid might deliver it again."""
    bare = {name: value for name, value in event.items() if name != "sg_message_id"}
    shuffled = dict(random.Random(7).sample([*event.items()], len(event)))
    return [
        *({**event, "sg_event_id": f"event-{number}"} for number in range(7)),
        event,
        bare,
        shuffled,
        {**event, "timestamp": str(event["timestamp"])},
        {**event, "email": "Ada@Example.com"},
        {**event, "smtp-id": "<1@geopod>", "ip": "192.0.2.1", "tls": 1},
    ]


@pytest.mark.parametrize("event", EVENTS)
def test_event_without_ids_counts_once(post, event):
    for delivery in deliveries(without_ids(event)):
        assert post([delivery]).status_code == 200
    assert DeliveryEvent.objects.count() == 1
    assert not Suppression.objects.filter(cause="soft_bounces").exists()


@pytest.mark.parametrize("event", [event for event in EVENTS if "reason" in event])
@pytest.mark.parametrize(
    "change", [{"timestamp": 1700000000}, {"email": "bob@example.com"}, {"reason": "another"}, {"event": "unsubscribe"}]
)
def test_two_true_events_stay_two(post, event, change):
    first = without_ids(event)
    post([first, {**first, **change}])
    assert DeliveryEvent.objects.count() == 2


@pytest.mark.parametrize("missing", ["email", "timestamp"])
def test_incomplete_event_counts_once(post, missing):
    event = without_ids(EVENTS[0])
    del event[missing]
    for number in range(3):
        post([{**event, "sg_event_id": f"event-{number}"}])
    post([{**event, "category": "another"}])
    assert DeliveryEvent.objects.count() == 2
