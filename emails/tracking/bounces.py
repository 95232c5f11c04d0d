"""Suppresses addresses after a hard bounce, a complaint, or repeated soft bounces.

Other failures, such as a refused message, don't suppress the address: they aren't about it.
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

MAX_SOFT_BOUNCES = 5  # in a row; one more suppresses the address for a week
SOFT_BOUNCES_SUPPRESS_FOR = timedelta(days=7)


def is_certain(event: ReportedEvent, email: OutboundEmail | None) -> bool:
    """Return whether the event is surely about its recipient. A wrong guess would suppress someone who gets email."""
    if event.is_guess or not event.recipient:
        return False
    return not event.is_listed or email is None or len(email.recipients.split()) == 1


def suppress_after(event: ReportedEvent) -> None:
    """Suppress the recipient if the event calls for it. Call it only with events that are stored and certain."""
    if event.type == Type.COMPLAINED:
        suppress(event.recipient, cause=Cause.COMPLAINT, detail=event.detail)
    elif event.type == Type.SUPPRESSED and event.cause:
        suppress(event.recipient, cause=event.cause, detail=event.detail)
    elif event.type == Type.BOUNCED:
        suppress_after_bounce(event)


def suppress_after_bounce(event: ReportedEvent) -> None:
    """Suppress permanently after a hard bounce, and for a week after too many soft bounces with no delivery in between.

    Bounces of undetermined severity count as soft at first, and as hard once a second message bounces that way.
    """
    if event.severity == Severity.HARD:
        suppress(event.recipient, cause=Cause.HARD_BOUNCE, detail=event.detail)
        return
    history = DeliveryEvent.objects.filter(recipient=event.recipient, type__in=[Type.BOUNCED, Type.DELIVERED])
    newest = list(history.order_by("-occurred_at")[: MAX_SOFT_BOUNCES + 1])
    soft_bounces = [bounce for bounce in newest if bounce.type == Type.BOUNCED and bounce.severity != Severity.HARD]
    if event.severity == Severity.UNDETERMINED and undetermined_messages(newest) > 1:
        suppress(event.recipient, cause=Cause.HARD_BOUNCE, detail=event.detail)
    elif len(soft_bounces) > MAX_SOFT_BOUNCES:
        until = database_now() + SOFT_BOUNCES_SUPPRESS_FOR
        suppress(event.recipient, cause=Cause.SOFT_BOUNCES, detail=event.detail, until=until)


def undetermined_messages(newest: Iterable[DeliveryEvent]) -> int:
    """Return how many messages since the last delivery bounced with undetermined severity. ``newest`` comes first."""
    messages = set()
    for event in newest:
        if event.type == Type.DELIVERED:
            break
        if event.severity == Severity.UNDETERMINED:
            messages.add(event.provider_message_id)
    return len(messages)
