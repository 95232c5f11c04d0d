"""Polling: asking Sequenzy about emails for which no event came.

Sequenzy silently drops emails to addresses on its own suppression list, so the missing event is the only sign.
"""

import json
import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from common.db import database_now, index_walks
from common.http.pool import Response
from emails.backends.base import Request
from emails.backends.client import json_body
from emails.backends.sequenzy import SequenzyBackend
from emails.delivery.pacing import take_slot
from emails.models import OutboundEmail, Status, Suppression
from emails.tracking import recording, values
from emails.tracking.event import ReportedEvent, Type, fingerprint

logger = logging.getLogger(__name__)

SECOND_LOOKUP_AFTER = timedelta(hours=24)  # after sending
RETRY_AFTER = timedelta(minutes=10)
KEPT_FOR = timedelta(days=13)  # Sequenzy keeps the state of a message for 14 days
SLOT_WITHIN = timedelta(seconds=2)
MAX_PER_RUN = 100  # so that sending, at the same rate limit, comes first
FINAL_REFUSALS = (400, 403, 404, 422)  # 403 for a key that may only send

TYPES = {
    "delivered": Type.DELIVERED,
    "opened": Type.OPENED,
    "clicked": Type.CLICKED,
    "bounced": Type.BOUNCED,
    "complained": Type.COMPLAINED,
    "failed": Type.REJECTED,
    "suppressed": Type.SUPPRESSED,
}  # any other status means that the message is still on its way


def look_up_silent_emails() -> int:
    """Poll the state of emails without any event, an hour and a day after they were sent; return how many requests.

    Each request takes a slot of the provider's rate, so this stops as soon as none is free.
    """
    requests = 0
    columns = ("id", "lookup_at", "sent_at", "status", "provider_message_id", "recipients")
    with index_walks():
        due = OutboundEmail.objects.filter(lookup_at__lte=database_now()).order_by("lookup_at").only(*columns)
        emails = list(due[:MAX_PER_RUN])
    for email in emails:
        if not take(email):
            continue
        if email.status != Status.SENT or email.events.exists():
            continue
        wait = take_slot(SequenzyBackend.name, within=SLOT_WITHIN)
        if wait is None:
            postpone(email)
            break
        time.sleep(wait)
        requests += 1
        if not look_up(email):
            postpone(email)
            break
    return requests


def take(email: OutboundEmail) -> bool:
    """Set the time of the next request; return False if another worker was faster and makes this one."""
    unchanged = OutboundEmail.objects.filter(pk=email.pk, lookup_at=email.lookup_at)
    return unchanged.update(lookup_at=next_lookup(email)) == 1


def next_lookup(email: OutboundEmail) -> datetime | None:
    """Return the time of the second request, a day after sending, or None if no other follows."""
    if email.sent_at is None or email.lookup_at is None:
        return None
    second = email.sent_at + SECOND_LOOKUP_AFTER
    return second if email.lookup_at < second and email.status == Status.SENT else None


def look_up(email: OutboundEmail) -> bool:
    """Request the email's state and record it as an event.

    Returns False if the request should be repeated soon. A response that no repeat would change counts as True, for
    example that the message is not known or that the key may not read.
    """
    response = ask(email.provider_message_id)
    if not isinstance(response, Response):
        return False
    if response.status in FINAL_REFUSALS:
        logger.warning("Sequenzy does not report the state of message %s: status %d.", email.pk, response.status)
        return True
    data = json_body(response)
    if response.status != 200 or not isinstance(data, dict):
        return False
    state = data.get("emailSend")
    event = event_of(email, state) if isinstance(state, dict) else None
    if event is not None:
        recording.record([event])
    return True


def postpone(email: OutboundEmail) -> None:
    """Poll again in ten minutes, if Sequenzy still keeps the state then."""
    now = database_now()
    if email.sent_at is not None and now - email.sent_at < KEPT_FOR:
        OutboundEmail.objects.filter(pk=email.pk).update(lookup_at=now + RETRY_AFTER)


def ask(message_id: str) -> object:
    try:
        return SequenzyBackend().ask(Request(f"GET /email-sends/{quote(message_id, safe='')}", b""))
    except ImproperlyConfigured:  # the provider has changed, and Sequenzy's key was removed
        return None


def event_of(email: OutboundEmail, state: Mapping[str, Any]) -> ReportedEvent | None:
    """Return the event that Sequenzy should have sent, or None if the message is still on its way."""
    status = str(state.get("status"))
    if status not in TYPES:
        return None
    # The body contains live links, and the outbox has it anyway.
    raw = {name: value for name, value in state.items() if name != "emailBody"}
    recipient = email.recipients.split()[0]
    return ReportedEvent(
        provider=SequenzyBackend.name,
        type=TYPES[status],
        severity="hard" if status == "bounced" else "",
        message_id=email.pk,
        provider_message_id=email.provider_message_id,
        recipient=recipient,
        is_recipient_from_list=True,
        occurred_at=database_now(),
        detail=values.joined_text("looked up:", status, state.get("suppressionReason"), state.get("errorMessage")),
        cause=cause_of(str(state.get("suppressionReason"))) if status == "suppressed" else "",
        raw=values.storable(json.loads(json.dumps(raw))),
        fingerprint=fingerprint(raw, email.provider_message_id, status, "looked up"),
    )


def cause_of(reason: str) -> str:
    """Return the cause for our own suppression list; empty for an unsubscribe, which does not suppress."""
    if "unsubscri" in reason.lower():
        return ""
    return Suppression.Cause.COMPLAINT if "compl" in reason.lower() else Suppression.Cause.HARD_BOUNCE
