"""How a claimed row becomes part of a call, or ends without one."""

import logging
from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from emails.backends.base import DeliveryBackend
from emails.backends.contacts import ContactsClient
from emails.backends.contacts.client import Change, UnsupportedChange
from emails.errors import InvalidMessage
from emails.message import Address, Message
from emails.models import ContactChange, OutboundEmail, Reason, Status, Work

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """What one row contributes to a call."""

    row: Any
    body: bytes
    max_rows: int = 1  # in the call that carries this part
    endpoint: str = ""  # empty if the backend determines it


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a row ends without a call, or why it waits (status queued)."""

    status: Status
    reason: Reason | None = None
    detail: str = ""
    unsupported_by: str = ""  # the fallback provider that can't send it


class Prepared(NamedTuple):
    """The parts of each call to be made, and the rows that end without a call."""

    batches: list[list[Part]]
    endings: list[tuple[Work, Ending]]


def prepare_email(
    row: OutboundEmail, backend: DeliveryBackend, suppressed: Set[str], now: datetime, *, fallback_for: str = ""
) -> Part | Ending:
    """Serialize the email for the provider, without its suppressed recipients. Raises nothing.

    What a fallback provider can't send doesn't fail: it waits for the first one, ``fallback_for``.
    """
    if row.expires_at is not None and row.expires_at <= now:
        return Ending(Status.EXPIRED, detail=f"It expired at {row.expires_at:%Y-%m-%d %H:%M} UTC.")
    try:
        message = without_suppressed(row.message, suppressed)
        if not (message.to or message.cc or message.bcc):
            return Ending(Status.SUPPRESSED, detail="Every recipient is on the suppression list.")
        max_rows = min(row.batch_limit or backend.batch_limit, backend.batch_limit)
        return Part(row, backend.serialize(message), max_rows if backend.may_share_call(message) else 1)
    except InvalidMessage as error:
        if fallback_for:
            return Ending(Status.QUEUED, Reason.WAITS_FOR_FIRST, str(error), unsupported_by=backend.name)
        return Ending(Status.FAILED, Reason.UNSUPPORTED, str(error))
    except Exception as error:  # a bug in a serializer: the email waits until a deploy fixes it
        logger.exception("Message %s cannot be serialized for %s.", row.pk, backend.name, extra={"email": row})
        return Ending(Status.QUEUED, Reason.INTERNAL, f"{type(error).__name__}: {error}")


def prepare_change(row: ContactChange, contacts: ContactsClient, *, is_opted_out: bool) -> Part | Ending:
    """Build the next call of the change. Raises nothing."""
    if is_opted_out and row.action == ContactChange.Action.TRACK_EVENT:
        return Ending(Status.CANCELLED, detail="The person wants no marketing email, which the event could start.")
    try:
        request = contacts.next_request(change_of(row, is_opted_out=is_opted_out))
    except UnsupportedChange as error:
        return Ending(Status.CANCELLED, detail=str(error))
    except Exception as error:  # a bug of ours, as in prepare_email()
        logger.exception("Contact change %s cannot be serialized.", row.pk)
        return Ending(Status.QUEUED, Reason.INTERNAL, f"{type(error).__name__}: {error}")
    if request is None:
        return Ending(Status.SENT)
    return Part(row, request.body, endpoint=request.endpoint)


def change_of(row: ContactChange, *, is_opted_out: bool) -> Change:
    """Return the change as the clients of emails/backends/contacts know it."""
    return Change(
        action=row.action,
        address=row.address,
        content=row.content or {},
        event_id=str(row.event_id),
        former_address=row.former_address,
        is_opted_out=is_opted_out,
        progress=row.progress,
    )


def batch(results: Iterable[tuple[Work, Part | Ending]], *, max_bytes: int, max_calls: int) -> Prepared:
    """Group the parts into calls, and stop once there are enough calls.

    ``results`` is read only as far as needed, because a row that isn't sent this time needn't be serialized. Rows that
    are in neither list of the result go back to the queue.
    """
    growing: dict[int, list[Part]] = {}  # parts with different limits can't share a call
    batches: list[list[Part]] = []
    endings: list[tuple[Work, Ending]] = []
    for row, result in results:
        if isinstance(result, Ending):
            endings.append((row, result))
            continue
        limit = result.max_rows
        if limit in growing and _size(growing[limit]) + len(result.body) > max_bytes:
            batches.append(growing.pop(limit))
        growing.setdefault(limit, []).append(result)
        if len(growing[limit]) == limit:
            batches.append(growing.pop(limit))
        if len(batches) >= max_calls:
            break
    return Prepared([*batches, *growing.values()][:max_calls], endings)


def _size(parts: Iterable[Part]) -> int:
    return sum(len(part.body) + 1 for part in parts)  # one byte for the comma between two parts


def without_suppressed(message: Message, suppressed: Set[str]) -> Message:
    """Return the message without these email addresses."""
    if not suppressed:
        return message

    def kept(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        return tuple(address for address in addresses if address.email.lower() not in suppressed)

    to, cc, bcc = kept(message.to), kept(message.cc), kept(message.bcc)
    if message.to and not to:  # no API accepts an email without `to`, so the people in cc move there
        to, cc = cc, ()
    return replace(message, to=to, cc=cc, bcc=bcc)
