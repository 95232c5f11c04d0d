"""A claimed row becomes the call that carries it, or the reason why there will be none."""

import logging
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from emails.backends.base import DeliveryBackend
from emails.backends.contacts import SequenzyContacts
from emails.errors import InvalidMessage
from emails.message import Address, Message
from emails.models import ContactChange, OutboundEmail, Reason, Status

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """What a row contributes to a call, and whether others may contribute to the same."""

    row: Any
    body: bytes
    may_share_call: bool = False
    endpoint: str = ""  # where it decides that itself


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a row ends, or waits (status queued), without a call."""

    status: Status
    reason: Reason | None = None
    detail: str = ""


def prepare(row: OutboundEmail, backend: DeliveryBackend, suppressed: Set[str], now: datetime) -> Part | Ending:
    """Serialise the row for the provider, without the suppressed recipients. Raises nothing."""
    if row.expires_at is not None and row.expires_at <= now:
        return Ending(Status.EXPIRED, detail=f"It expired at {row.expires_at:%Y-%m-%d %H:%M} UTC.")
    try:
        message = without(row.message, suppressed)
        if not (message.to or message.cc or message.bcc):
            return Ending(Status.SUPPRESSED, detail="Every recipient is on the suppression list.")
        return Part(row, backend.serialise(message), backend.may_share_call(message))
    except InvalidMessage as error:
        return Ending(Status.FAILED, Reason.UNSUPPORTED, str(error))
    except Exception as error:  # a bug in a serialiser: the mail waits for the deploy that mends it
        logger.exception("Message %s cannot be serialised for %s.", row.pk, backend.name)
        return Ending(Status.QUEUED, Reason.INTERNAL, f"{type(error).__name__}: {error}")


def prepare_change(row: ContactChange, contacts: SequenzyContacts) -> Part | Ending:
    """The call that makes the change. Raises nothing."""
    try:
        request = contacts.request(row.action, row.address, row.content or {}, str(row.event_id))
    except Exception as error:
        logger.exception("Contact change %s cannot be serialised.", row.pk)
        return Ending(Status.QUEUED, Reason.INTERNAL, f"{type(error).__name__}: {error}")
    return Part(row, request.body, endpoint=request.endpoint)


def batches(parts: Iterable[Part], backend: DeliveryBackend) -> Iterator[list[Part]]:
    """The parts of each call: as many as it can carry, and as each row's own limit allows after a refusal."""
    open_batches: dict[int, list[Part]] = {}
    for part in parts:
        limit = min(part.row.batch_limit or backend.batch_limit, backend.batch_limit) if part.may_share_call else 1
        batch = open_batches.setdefault(limit, [])
        if batch and sum(len(other.body) + 1 for other in batch) + len(part.body) > backend.most_bytes:
            yield open_batches.pop(limit)
            batch = open_batches.setdefault(limit, [])
        batch.append(part)
        if len(batch) == limit:
            yield open_batches.pop(limit)
    yield from filter(None, open_batches.values())


def without(message: Message, suppressed: Set[str]) -> Message:
    if not suppressed:
        return message

    def kept(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        return tuple(address for address in addresses if address.email.lower() not in suppressed)

    to, cc, bcc = kept(message.to), kept(message.cc), kept(message.bcc)
    if message.to and not to:  # no API takes a mail without `to`, and who got a copy gets the mail
        to, cc = cc, ()
    return replace(message, to=to, cc=cc, bcc=bcc)
