"""A claimed row becomes the call that carries it, or the reason why there will be none."""

import logging
from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime

from emails.backends.base import DeliveryBackend, Request
from emails.errors import InvalidMessage
from emails.message import Address, Message
from emails.models import OutboundEmail, Reason, Status

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a row ends, or waits (status queued), without a call."""

    status: Status
    reason: Reason | None = None
    detail: str = ""


def prepare(row: OutboundEmail, backend: DeliveryBackend, suppressed: Set[str], now: datetime) -> Request | Ending:
    """Serialise the row for the provider, without the suppressed recipients. Raises nothing."""
    if row.expires_at is not None and row.expires_at <= now:
        return Ending(Status.EXPIRED, detail=f"It was not to be delivered after {row.expires_at:%Y-%m-%d %H:%M} UTC.")
    try:
        message = without(row.message, suppressed)
        if not (message.to or message.cc or message.bcc):
            return Ending(Status.SUPPRESSED, detail="Every recipient is on the suppression list.")
        return backend.build([message])
    except InvalidMessage as error:
        return Ending(Status.FAILED, Reason.UNSUPPORTED, str(error))
    except Exception as error:  # a bug in a serialiser: the mail waits for the deploy that mends it
        logger.exception("Message %s cannot be serialised for %s.", row.pk, backend.name)
        return Ending(Status.QUEUED, Reason.INTERNAL, f"{type(error).__name__}: {error}")


def without(message: Message, suppressed: Set[str]) -> Message:
    if not suppressed:
        return message

    def kept(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        return tuple(address for address in addresses if address.email.lower() not in suppressed)

    return replace(message, to=kept(message.to), cc=kept(message.cc), bcc=kept(message.bcc))
