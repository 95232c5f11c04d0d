"""What an event says of its address: who is dead, complains or bounces again and again gets no more mail.

What fails on the way says nothing of an address.
"""

from collections.abc import Iterable
from datetime import timedelta

from common.db import database_now
from emails.models import DeliveryEvent, OutboundEmail, Suppression
from emails.tracking.event import ReportedEvent
from emails.tracking.suppressions import suppress

Type = DeliveryEvent.Type
Severity = DeliveryEvent.Severity
Cause = Suppression.Cause

SOFT_BOUNCES = 5  # in a row; one more suppresses the address for a while
SOFT_BOUNCES_SUPPRESS_FOR = timedelta(days=7)


def is_certain(event: ReportedEvent, email: OutboundEmail | None) -> bool:
    """Whether the event is about this very address. A wrong guess would shut out somebody whose mail arrives."""
    if event.is_guess or not event.recipient:
        return False
    return not event.is_listed or email is None or len(email.recipients.split()) == 1


def suppress_after(event: ReportedEvent) -> None:
    """Suppress the address if the event says so. The event is stored, and certain."""
    if event.type == Type.COMPLAINED:
        suppress(event.recipient, cause=Cause.COMPLAINT, detail=event.detail)
    elif event.type == Type.SUPPRESSED and event.cause:
        suppress(event.recipient, cause=event.cause, detail=event.detail)
    elif event.type == Type.BOUNCED:
        suppress_after_bounce(event)


def suppress_after_bounce(event: ReportedEvent) -> None:
    if event.severity == Severity.HARD:
        suppress(event.recipient, cause=Cause.HARD_BOUNCE, detail=event.detail)
        return
    about_it = DeliveryEvent.objects.filter(recipient=event.recipient, type__in=[Type.BOUNCED, Type.DELIVERED])
    newest = list(about_it.order_by("-occurred_at")[: SOFT_BOUNCES + 1])
    in_a_row = [bounce for bounce in newest if bounce.type == Type.BOUNCED and bounce.severity != Severity.HARD]
    if event.severity == Severity.UNDETERMINED and undetermined_messages(newest) > 1:
        suppress(event.recipient, cause=Cause.HARD_BOUNCE, detail=event.detail)
    elif len(in_a_row) > SOFT_BOUNCES:
        until = database_now() + SOFT_BOUNCES_SUPPRESS_FOR
        suppress(event.recipient, cause=Cause.SOFT_BOUNCES, detail=event.detail, until=until)


def undetermined_messages(newest: Iterable[DeliveryEvent]) -> int:
    """Of how many messages in a row, back from the newest, nobody knows why they bounced."""
    messages = set()
    for event in newest:
        if event.type == Type.DELIVERED:
            break
        if event.severity == Severity.UNDETERMINED:
            messages.add(event.provider_message_id)
    return len(messages)
