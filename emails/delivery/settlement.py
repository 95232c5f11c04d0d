"""What came of a claimed row or of an attempt, and which move follows from it (moves.py)."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from common.db import ValueByKey, database_now
from emails.backends import PROVIDERS
from emails.backends.base import Caller, Receipt
from emails.delivery.calls import Answer, Call, NotMade
from emails.delivery.transitions import backoff, close, description, fail, postpone, release, write
from emails.errors import LeaseLost, Outcome, ProviderError, Remedy
from emails.models import ContactChange, DeliveryAttempt, OutboundEmail, Reason, Status, Work
from emails.tracking import recording

logger = logging.getLogger(__name__)

CRASHES_TO_QUARANTINE = 5

REASONS = {Remedy.FIX: Reason.CONFIGURATION, Remedy.QUOTA: Reason.QUOTA}  # waited for as long as it takes


def settle(finished: Iterable[tuple[Call, Answer]], *, waited_for: Set[str]) -> None:
    """Write down what the providers answered. ``waited_for``: those that will not be called for a while anyway."""
    finished = [*finished]
    lock_rows(call for call, _ in finished)
    accepted, rest = [], []
    for call, answer in finished:
        if isinstance(answer, Receipt):
            accepted.append((call, answer))
        else:
            rest.append((call, answer))
    if accepted:
        accept(accepted)
    if rest:
        now = database_now()
        for call, answer in rest:
            if isinstance(answer, NotMade):
                put_back(call, now)
            else:
                note_error(call, answer, now, provider_waits=call.attempt.provider in waited_for)


def lock_rows(calls: Iterable[Call]) -> None:
    """All at once and in one order, as tracking does: events about several of these messages may come just now."""
    emails = [row.pk for call in calls for row in call.rows if isinstance(row, OutboundEmail)]
    if len(emails) > 1:
        list(OutboundEmail.objects.filter(pk__in=emails).order_by("pk").select_for_update().values_list("pk"))


def note_error(call: Call, error: ProviderError, now: datetime, *, provider_waits: bool) -> None:
    was_unknown = call.attempt.outcome == DeliveryAttempt.Outcome.UNKNOWN
    if len(call.rows) > 1 and is_about_a_message(error):
        split(call, error, now)
    elif error.remedy == Remedy.GIVE_UP:
        if error.outcome == Outcome.UNKNOWN:
            abandon(call.attempt, call.rows, Reason.OUTCOME_UNKNOWN, now, str(error))
        else:
            refuse_for_good(call, error, now)
    elif error.outcome == Outcome.UNKNOWN or was_unknown:  # a refusal now says nothing about the call before
        keep_unknown(call, error, now, provider_waits)
    else:
        refuse_for_now(call, error, now, provider_waits)


def is_about_a_message(error: ProviderError) -> bool:
    """Whether the call was refused for what it carries, and not for the provider's trouble or ours with it."""
    return error.outcome == Outcome.NOT_SENT and error.remedy != Remedy.RETRY and not error.pauses_provider


def accept(accepted: Sequence[tuple[Call, Receipt]]) -> None:
    """Settle what was taken, in two statements however many they are: this is where the worker's time goes.

    Raises ``LeaseLost`` when one of them is another worker's by now: then settle them one by one.
    """
    leases = {call.attempt.pk: call.attempt.lease_token for call, _ in accepted}
    held = DeliveryAttempt.objects.filter(pk__in=leases, lease_token__in=leases.values())
    outcome = DeliveryAttempt.Outcome.ACCEPTED
    if held.update(outcome=outcome, settled_at=Now(), body=None, due_at=None, lease_token=None) < len(accepted):
        raise LeaseLost(f"{len(accepted)} attempts were accepted, and not all of them are ours.")
    taken: defaultdict[tuple[Caller, bool], dict[UUID, str]] = defaultdict(dict)
    for call, receipt in accepted:
        for row, message_id in zip(call.rows, receipt.message_ids, strict=True):
            if isinstance(row, ContactChange):
                write_told(row)
                continue
            taken[call.backend, bool(row.blanked_content)][row.pk] = message_id[:255]
            logger.info("Message %s was taken by %s as %s.", row.pk, call.attempt.provider, message_id or "(no id)")
    for (backend, is_blanked), message_ids in taken.items():
        write_sent(backend, message_ids, **({"content": None} if is_blanked else {}))


def write_told(change: ContactChange) -> None:
    """With the last word on a contact, to forget it, what was said of it before goes as well."""
    if change.action == ContactChange.Action.FORGET:
        ContactChange.objects.filter(address=change.address, pk__lt=change.pk).delete()
        write(change, address="", content=None, metadata={})
    write(change, status=Status.SENT, reason="", detail="", sent_at=Now(), settled_at=Now())
    logger.info("Contact change %s was told to %s.", change.pk, change.provider)


def write_sent(backend: Caller, message_ids: Mapping[UUID, str], **changes: Any) -> None:
    """A row that an event was faster to move keeps its status."""
    rows = OutboundEmail.objects.filter(pk__in=message_ids)
    changes["provider_message_id"] = ValueByKey(message_ids)
    if backend.look_up_after is not None:
        changes["lookup_at"] = Now() + backend.look_up_after
    sent = rows.filter(status=Status.SENDING).update(
        status=Status.SENT, reason="", detail="", sent_at=Now(), settled_at=Now(), **changes
    )
    if sent < len(message_ids):
        rows.filter(provider_message_id="", sent_at__isnull=False).update(**changes)
    if not backend.tells_our_id:
        recording.link(backend.name, message_ids)


def accept_by_events(attempt: DeliveryAttempt, now: datetime) -> None:
    """Events told that the provider took what the attempt carries, so it need not be repeated."""
    close(attempt, DeliveryAttempt.Outcome.ACCEPTED, now)


def split(call: Call, error: ProviderError, now: datetime) -> None:
    """One message of several may be the bad one: their next calls carry half as many, until it is alone."""
    close(call.attempt, DeliveryAttempt.Outcome.REFUSED, now, error)
    half = (len(call.rows) + 1) // 2
    rows = OutboundEmail.objects.filter(pk__in=[row.pk for row in call.rows], status=Status.SENDING)
    rows.update(status=Status.QUEUED, due_at=now, batch_limit=half)
    logger.warning("A call with %d messages was refused; it is split: %s", len(call.rows), error)


def refuse_for_good(call: Call, error: ProviderError, now: datetime) -> None:
    close(call.attempt, DeliveryAttempt.Outcome.REFUSED, now, error)
    for row in call.rows:
        fail(row, Reason.REFUSED, str(error), now)


def refuse_for_now(call: Call, error: ProviderError, now: datetime, provider_waits: bool) -> None:
    """The rows queue again; the next attempt is a new one, built anew."""
    close(call.attempt, DeliveryAttempt.Outcome.REFUSED, now, error)
    reason = REASONS.get(error.remedy, Reason.TRANSIENT)
    for row in call.rows:
        postpone(row, reason, str(error), now, costs_a_try=not provider_waits)


def keep_unknown(call: Call, error: ProviderError, now: datetime, provider_waits: bool) -> None:
    """Whether the provider took it is not known: the attempt keeps its rows and its body and is repeated."""
    wait = error.retry_after or backoff(call.attempt.calls)
    if provider_waits:
        wait = timedelta()
    release(
        call.attempt, outcome=DeliveryAttempt.Outcome.UNKNOWN, calls=call.attempt.calls + 1,
        due_at=now + max(wait, wait_for_events(call.attempt)), **description(error),
    )  # fmt: skip
    for row in call.rows:
        write(row, reason=Reason.UNKNOWN, detail=str(error))
    logger.warning("The outcome of attempt %s is unknown, it will be repeated: %s", call.attempt.pk, error)


def put_back(call: Call, now: datetime) -> None:
    if call.attempt.outcome == DeliveryAttempt.Outcome.UNKNOWN:
        release(call.attempt, due_at=now)
        return
    close(call.attempt, DeliveryAttempt.Outcome.REFUSED, now)
    for row in call.rows:
        write(row, status=Status.QUEUED, due_at=now)


def abandon(attempt: DeliveryAttempt, rows: Iterable[Work], reason: Reason, now: datetime, detail: str = "") -> None:
    """End an attempt of unknown outcome: a repeat could be a second copy, or kills its worker."""
    close(attempt, DeliveryAttempt.Outcome.ABANDONED, now)
    for row in rows:
        fail(row, reason, detail or row.detail, now)


def record_crash_of_row(row: Work, now: datetime) -> None:
    """The worker died between the claim and the attempt. The row is claimed alone from then on, and only crashes
    while alone count: a neighbour may have been the cause."""
    crashes = row.crashes + row.isolated
    if crashes >= CRASHES_TO_QUARANTINE:
        fail(row, Reason.QUARANTINED, "Its worker died five times while it held this message alone.", now)
    else:
        write(row, status=Status.QUEUED, lease_token=None, isolated=True, crashes=crashes)


def record_crash_of_attempt(attempt: DeliveryAttempt, now: datetime) -> None:
    """The worker died during the call. The attempt is repeated as a whole, up to five times."""
    crashes = attempt.crashes + 1
    if crashes >= CRASHES_TO_QUARANTINE:
        abandon(attempt, attempt.rows, Reason.QUARANTINED, now, "Its worker died five times during the call.")
        return
    detail = "Its worker died during the call."
    due_at = now + wait_for_events(attempt)
    release(attempt, outcome=DeliveryAttempt.Outcome.UNKNOWN, crashes=crashes, due_at=due_at, detail=detail)
    for row in attempt.rows:
        write(row, reason=Reason.UNKNOWN, detail=detail)


def wait_for_events(attempt: DeliveryAttempt) -> timedelta:
    """How long an unknown attempt waits before it is repeated: for a provider without idempotency keys, until a
    delivery event with our id had time to arrive and settle it."""
    backend = PROVIDERS.get(attempt.provider)
    knows_keys = backend is not None and backend.key_lifetime is not None
    if knows_keys or attempt.contact_change_id:
        return timedelta()
    return timedelta(seconds=settings.EMAIL_UNKNOWN_WAIT_SECONDS)
