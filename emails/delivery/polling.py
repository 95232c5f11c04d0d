"""Asking what became of mail of which no event came: Sequenzy drops mail to addresses on its own list silently."""

import json
import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from common.db import database_now
from common.http.pool import Answer
from emails.backends.base import Request
from emails.backends.client import json_body
from emails.backends.sequenzy import SequenzyBackend
from emails.delivery.pacing import take_slot
from emails.models import OutboundEmail, Status, Suppression
from emails.tracking import recording, values
from emails.tracking.event import ReportedEvent, Type, fingerprint

logger = logging.getLogger(__name__)

SECOND_LOOK_AFTER = timedelta(hours=24)  # from the sending
TRY_AGAIN_AFTER = timedelta(minutes=10)
KNOWN_FOR = timedelta(days=13)  # Sequenzy keeps the state of a message for 14 days
SLOT_WITHIN = timedelta(seconds=2)
MOST = 100  # in one run: mail comes first
NO_USE_TO_ASK_AGAIN = (400, 403, 404, 422)  # a key that may only send gets 403

TYPES = {
    "delivered": Type.DELIVERED,
    "opened": Type.OPENED,
    "clicked": Type.CLICKED,
    "bounced": Type.BOUNCED,
    "complained": Type.COMPLAINED,
    "failed": Type.REJECTED,
    "suppressed": Type.SUPPRESSED,
}


def look_up_silent_mail() -> int:
    """Ask once an hour after a message was sent and once after a day, if nothing was heard of it; returns how often."""
    asked = 0
    due = OutboundEmail.objects.filter(lookup_at__lte=database_now()).order_by("lookup_at")
    for email in due.only("id", "lookup_at", "sent_at", "status", "provider_message_id", "recipients")[:MOST]:
        if not take(email):
            continue
        if email.status != Status.SENT or email.events.exists():
            continue
        wait = take_slot(SequenzyBackend.name, within=SLOT_WITHIN)
        if wait is None:
            postpone(email)
            break
        time.sleep(wait)
        asked += 1
        if not look_up(email):
            postpone(email)
            break
    return asked


def take(email: OutboundEmail) -> bool:
    """Set the time of the next look; only one of two workers does, and looks."""
    unchanged = OutboundEmail.objects.filter(pk=email.pk, lookup_at=email.lookup_at)
    return unchanged.update(lookup_at=next_look(email)) == 1


def next_look(email: OutboundEmail) -> datetime | None:
    """A day after the sending; None after that."""
    if email.sent_at is None or email.lookup_at is None:
        return None
    second = email.sent_at + SECOND_LOOK_AFTER
    return second if email.lookup_at < second and email.status == Status.SENT else None


def look_up(email: OutboundEmail) -> bool:
    """Returns whether Sequenzy answered, if only that it does not know the message or that the key may not ask."""
    answer = ask(email.provider_message_id)
    if not isinstance(answer, Answer):
        return False
    if answer.status in NO_USE_TO_ASK_AGAIN:
        logger.warning("Sequenzy does not say what became of message %s: it answered %d.", email.pk, answer.status)
        return True
    data = json_body(answer)
    if answer.status != 200 or not isinstance(data, dict):
        return False
    state = data.get("emailSend")
    event = event_of(email, state) if isinstance(state, dict) else None
    if event is not None:
        recording.record([event])
    return True


def postpone(email: OutboundEmail) -> None:
    now = database_now()
    if email.sent_at is not None and now - email.sent_at < KNOWN_FOR:
        OutboundEmail.objects.filter(pk=email.pk).update(lookup_at=now + TRY_AGAIN_AFTER)


def ask(message_id: str) -> object:
    try:
        return SequenzyBackend().ask(Request(f"GET /email-sends/{quote(message_id, safe='')}", b""))
    except ImproperlyConfigured:  # another provider by now, and the key is gone
        return None


def event_of(email: OutboundEmail, state: Mapping[str, Any]) -> ReportedEvent | None:
    """The event that should have come; None while the message is on its way."""
    status = str(state.get("status"))
    if status not in TYPES:
        return None
    raw = {name: value for name, value in state.items() if name != "emailBody"}
    recipient = email.recipients.split()[0]
    return ReportedEvent(
        provider=SequenzyBackend.name,
        type=TYPES[status],
        severity="hard" if status == "bounced" else "",
        message_id=email.pk,
        provider_message_id=email.provider_message_id,
        recipient=recipient,
        is_listed=True,
        occurred_at=database_now(),
        detail=values.joined_text("looked up:", status, state.get("suppressionReason"), state.get("errorMessage")),
        cause=cause_of(str(state.get("suppressionReason"))) if status == "suppressed" else "",
        raw=values.storable(json.loads(json.dumps(raw))),
        fingerprint=fingerprint(raw, email.provider_message_id, status, "looked up"),
    )


def cause_of(reason: str) -> str:
    if "unsubscri" in reason.lower():
        return ""
    return Suppression.Cause.COMPLAINT if "compl" in reason.lower() else Suppression.Cause.HARD_BOUNCE
