"""Suppresses addresses after a hard bounce, a complaint, or repeated soft bounces.

Suppressing the wrong address is worse than missing a bounce, because that person would no longer receive, for example,
a password reset. So an event must be about exactly one address, to which a message of ours went: other products may
send through the same provider account. A message that the provider refused suppresses nobody.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings

from common.db import database_now
from emails.models import DeliveryEvent, OutboundEmail, Suppression
from emails.tracking.event import ReportedEvent
from emails.tracking.suppressions import suppress

AnyEvent = ReportedEvent | DeliveryEvent

Type = DeliveryEvent.Type
Severity = DeliveryEvent.Severity
Cause = Suppression.Cause

# In a row, without a delivery between them. The next soft bounce suppresses the address for a while.
MAX_SOFT_BOUNCES = 5
SOFT_BOUNCES_SUPPRESS_FOR = timedelta(days=7)


def is_certain(event: ReportedEvent, email: OutboundEmail | None) -> bool:
    """Return whether the event is certainly about its recipient, who is one of the message's if it is known."""
    if event.is_recipient_guessed or not event.recipient:
        return False
    return email is None or was_sent_to(event, email)


def was_sent_to(event: AnyEvent, email: OutboundEmail) -> bool:
    """Return whether the event's recipient is one of the message's, and the only one it can be about."""
    recipients = email.recipients.lower().split()
    return event.recipient in recipients and (not event.is_recipient_from_list or len(recipients) == 1)


def suppress_after(event: AnyEvent, email: OutboundEmail | None) -> None:
    """Suppress the recipient if the event calls for it. The event must be stored, and ``is_certain()``.

    If its message isn't known (yet), nothing happens until the event is linked (linking.py). An entry on the provider's
    own list needs no message: the provider sends nothing to that address, whoever caused the entry.
    """
    is_about_address = isinstance(event, ReportedEvent) and event.is_about_address
    if email is None and not is_about_address and not settings.EMAIL_SUPPRESS_AFTER_FOREIGN_EVENTS:
        return
    if event.type == Type.COMPLAINED:
        suppress(event.recipient, cause=Cause.COMPLAINT, detail=event.detail)
    elif event.type == Type.SUPPRESSED and event.cause:
        suppress(event.recipient, cause=event.cause, detail=event.detail)
    elif event.type == Type.BOUNCED:
        suppress_after_bounce(event)


def suppress_after_bounce(event: AnyEvent) -> None:
    """Suppress permanently after a hard bounce, and for a week after too many soft bounces with no delivery in between.

    Bounces of undetermined severity count as soft at first, and as hard once a second message bounces that way.
    """
    if event.severity == Severity.HARD:
        suppress(event.recipient, cause=Cause.HARD_BOUNCE, detail=event.detail)
        return
    history = DeliveryEvent.objects.filter(recipient=event.recipient, type__in=[Type.BOUNCED, Type.DELIVERED])
    if not settings.EMAIL_SUPPRESS_AFTER_FOREIGN_EVENTS:
        history = history.exclude(email=None)
    newest = list(history.order_by("-occurred_at")[: MAX_SOFT_BOUNCES + 1])
    soft_bounces = [bounce for bounce in newest if bounce.type == Type.BOUNCED and bounce.severity != Severity.HARD]
    if event.severity == Severity.UNDETERMINED and undetermined_messages(newest) > 1:
        suppress(event.recipient, cause=Cause.HARD_BOUNCE, detail=event.detail)
    elif len(soft_bounces) > MAX_SOFT_BOUNCES:
        until = database_now() + SOFT_BOUNCES_SUPPRESS_FOR
        suppress(event.recipient, cause=Cause.SOFT_BOUNCES, detail=event.detail, until=until)


def undetermined_messages(newest: Iterable[DeliveryEvent]) -> int:
    """Return how many messages bounced with undetermined severity since the last delivery.

    ``newest`` contains events in descending order of time.
    """
    messages = set()
    for event in newest:
        if event.type == Type.DELIVERED:
            break
        if event.severity == Severity.UNDETERMINED:
            messages.add(event.provider_message_id)
    return len(messages)
