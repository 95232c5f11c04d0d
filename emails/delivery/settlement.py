"""What the result of a call, or the death of a worker, means for an attempt and its rows."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from common.db import database_now
from common.redaction import without_addresses
from common.retry import backoff
from emails.backends import key_lifetime_of
from emails.backends.base import Acceptance
from emails.delivery.calls import Call, CallResult, NotMade
from emails.delivery.queues import Accepted, Queue
from emails.delivery.transitions import (
    FIRST_BACKOFF,
    MAX_BACKOFF,
    close_attempt,
    error_fields,
    fail,
    leave_to_first_provider,
    release_attempt,
    retry_later,
    update_row,
    update_rows,
)
from emails.errors import CallOutcome, LeaseLost, ProviderError, Remedy
from emails.models import DeliveryAttempt, Reason, Status, Work

logger = logging.getLogger(__name__)

CRASHES_TO_QUARANTINE = 5

REASONS = {Remedy.FIX: Reason.CONFIGURATION, Remedy.QUOTA: Reason.QUOTA}


def settle(finished: Sequence[tuple[Call, CallResult]], *, paused: Set[str]) -> None:
    """Record the results of calls, in the caller's transaction. ``paused``: the providers that are paused now.

    Raises ``LeaseLost`` if another worker has taken over one of the attempts.
    """
    lock_rows(call for call, _ in finished)
    accepted = [(call, result) for call, result in finished if isinstance(result, Acceptance)]
    if accepted:
        accept(accepted)
    if len(accepted) < len(finished):
        now = database_now()
        for call, result in finished:
            if isinstance(result, NotMade):
                put_back(call, now)
            elif isinstance(result, ProviderError):
                record_error(call, result, now, is_paused=call.attempt.provider in paused)


def lock_rows(calls: Iterable[Call]) -> None:
    """Lock all rows in one order, the same as in tracking, where events about several of them may be recorded now.

    Without a common order, the two transactions could wait for each other.
    """
    keys: defaultdict[type[Work], list[Any]] = defaultdict(list)
    for call in calls:
        for row in call.rows:
            keys[type(row)].append(row.pk)
    for model, pks in keys.items():
        if len(pks) > 1:
            rows = model._default_manager.filter(pk__in=pks).order_by("pk")
            list(rows.select_for_update().values_list("pk"))


def accept(accepted: Sequence[tuple[Call, Acceptance]]) -> None:
    """Settle accepted calls, together in a few statements, because this is where a worker spends most of its time.

    Raises ``LeaseLost`` if another worker has taken over one of the attempts. The caller then settles one at a time.
    """
    leases = {call.attempt.pk: call.attempt.lease_token for call, _ in accepted}
    ours = DeliveryAttempt.objects.filter(pk__in=leases, lease_token__in=leases.values())
    outcome = DeliveryAttempt.Outcome.ACCEPTED
    # Fewer updated rows than attempts mean that some token no longer matches. The exception rolls the update back.
    if ours.update(outcome=outcome, settled_at=Now(), body=None, due_at=None, lease_token=None) < len(accepted):
        raise LeaseLost(f"{len(accepted)} attempts were accepted, but another worker has taken over some of them.")
    by_queue: defaultdict[Queue, list[Accepted]] = defaultdict(list)
    for call, acceptance in accepted:  # queues are equal if kind and provider are, so this forms few groups
        results = zip(call.rows, call.queue.results(acceptance), strict=True)
        by_queue[call.queue] += [Accepted(row, result, call.attempt.pk) for row, result in results]
    for queue, rows in by_queue.items():
        queue.mark_accepted(rows)
    for call, acceptance in accepted:
        if acceptance.detail:
            keep_detail(call, acceptance.detail)


def keep_detail(call: Call, detail: str) -> None:
    """Store what the provider accepted only in part. The rest isn't sent again, because the others have the message."""
    DeliveryAttempt.objects.filter(pk=call.attempt.pk).update(detail=detail)
    keys: list[Any] = [row.pk for row in call.rows]
    type(call.rows[0])._default_manager.filter(pk__in=keys, status=Status.SENT).update(detail=detail)
    words = "Attempt %s was accepted only in part; its detail says for whom it was refused."
    logger.warning(words, call.attempt.pk, extra=call.ids)


def record_error(call: Call, error: ProviderError, now: datetime, *, is_paused: bool) -> None:
    """Fail, split, retry, or repeat the call, as the error demands."""
    was_unknown = call.attempt.outcome == DeliveryAttempt.Outcome.UNKNOWN
    if len(call.rows) > 1 and is_about_a_message(error):
        split(call, error, now)
    elif error.remedy == Remedy.GIVE_UP:
        if error.outcome == CallOutcome.UNKNOWN:
            abandon(call.attempt, call.rows, Reason.OUTCOME_UNKNOWN, now, detail_for(call, error))
        elif call.queue.fallback_for:
            refuse_for_fallback(call, error, now)
        else:
            refuse_permanently(call, error, now)
    elif error.outcome == CallOutcome.UNKNOWN or was_unknown:
        # A refusal of the repeat reveals nothing about the first call, so an unknown outcome stays unknown.
        keep_unknown(call, error, now, is_paused)
    else:
        # A message that was refused for its own sake waits, so that it isn't the next probe of a paused provider again.
        refuse_for_now(call, error, now, is_paused and not is_about_a_message(error))


def is_about_a_message(error: ProviderError) -> bool:
    """Return whether the call was refused because of what it carries, not because of the provider or our account."""
    return error.outcome == CallOutcome.NOT_SENT and error.remedy != Remedy.RETRY and not error.pauses_provider


def detail_for(call: Call, error: ProviderError) -> str:
    """Return the error as each row of the call stores it. It may quote the address of only one of them."""
    return str(error) if len(call.rows) == 1 else without_addresses(str(error))


def split(call: Call, error: ProviderError, now: datetime) -> None:
    """Send the messages again in calls of half the size, until the one that was refused is alone."""
    close_attempt(call.attempt, DeliveryAttempt.Outcome.SPLIT, now, error)
    half = (len(call.rows) + 1) // 2
    update_rows(call.rows, status=Status.QUEUED, due_at=now, batch_limit=half)
    logger.warning("A call with %d messages was refused; it is split: %s", len(call.rows), error, extra=call.ids)


def refuse_permanently(call: Call, error: ProviderError, now: datetime) -> None:
    """Fail the rows: the provider would refuse them again."""
    close_attempt(call.attempt, DeliveryAttempt.Outcome.REFUSED, now, error)
    for row in call.rows:
        fail(row, Reason.REFUSED, str(error), now)


def refuse_for_fallback(call: Call, error: ProviderError, now: datetime) -> None:
    """Leave the rows to the first provider. It might accept them, and it alone decides that a message fails."""
    close_attempt(call.attempt, DeliveryAttempt.Outcome.REFUSED, now, error)
    for row in call.rows:
        leave_to_first_provider(row, call.attempt.provider, str(error), now)


def refuse_for_now(call: Call, error: ProviderError, now: datetime, is_paused: bool) -> None:
    """Queue the rows again. Nothing was sent, so their next call is a new attempt that is built from scratch."""
    close_attempt(call.attempt, DeliveryAttempt.Outcome.REFUSED, now, error)
    reason = REASONS.get(error.remedy, Reason.TRANSIENT)
    for row in call.rows:
        retry_later(row, reason, detail_for(call, error), now, counts_as_failure=not is_paused)


def keep_unknown(call: Call, error: ProviderError, now: datetime, is_paused: bool) -> None:
    """Keep the attempt with its rows and its body, so that the same call can be repeated."""
    wait = error.retry_after or backoff(call.attempt.calls, first=FIRST_BACKOFF, longest=MAX_BACKOFF)
    if is_paused:  # the pause itself delays the repeat
        wait = timedelta()
    if error.outcome == CallOutcome.UNKNOWN:  # a refused repeat causes no event
        wait = max(wait, wait_for_events(call.attempt))
    release_attempt(
        call.attempt,
        outcome=DeliveryAttempt.Outcome.UNKNOWN,
        calls=call.attempt.calls + 1,
        due_at=now + wait,
        **error_fields(error),
    )
    update_rows(call.rows, reason=Reason.UNKNOWN, detail=detail_for(call, error))
    words = "The outcome of attempt %s is unknown, it will be repeated: %s"
    logger.warning(words, call.attempt.pk, error, extra=call.ids)


def put_back(call: Call, now: datetime) -> None:
    """Make a call due again that was not made. An earlier call of the attempt may still have an unknown outcome."""
    if call.attempt.outcome == DeliveryAttempt.Outcome.UNKNOWN:
        release_attempt(call.attempt, due_at=now)
        return
    close_attempt(call.attempt, DeliveryAttempt.Outcome.REFUSED, now)
    update_rows(call.rows, status=Status.QUEUED, due_at=now)


def accept_by_events(attempt: DeliveryAttempt, now: datetime) -> None:
    """Close an unknown attempt as accepted, because events show that the provider accepted everything in it."""
    close_attempt(attempt, DeliveryAttempt.Outcome.ACCEPTED, now)


def abandon(attempt: DeliveryAttempt, rows: Iterable[Work], reason: Reason, now: datetime, detail: str = "") -> None:
    """End an attempt whose outcome stays unknown: a repeat could be a second copy, or would kill its worker again."""
    close_attempt(attempt, DeliveryAttempt.Outcome.ABANDONED, now)
    for row in rows:
        fail(row, reason, detail or row.detail, now)


def leave_to_next_provider(attempt: DeliveryAttempt, now: datetime) -> None:
    """End an unknown attempt of a contact change, and make the change due again if it may be made twice."""
    if not all(row.allows_second_copy for row in attempt.rows):
        abandon(attempt, attempt.rows, Reason.OUTCOME_UNKNOWN, now)
        return
    close_attempt(attempt, DeliveryAttempt.Outcome.ABANDONED, now)
    update_rows(attempt.rows, status=Status.QUEUED, due_at=now, reason="", detail="")


def record_crash_of_row(row: Work, now: datetime) -> None:
    """Queue a row whose worker died between the claim and the attempt.

    From now on it is claimed alone, and only crashes while it is alone count: until then, another row that was claimed
    with it may have been the cause.
    """
    crashes = row.crashes + row.isolated  # a bool counts as 1
    if crashes >= CRASHES_TO_QUARANTINE:
        fail(row, Reason.QUARANTINED, "Its worker died five times while it held this message alone.", now)
    else:
        update_row(row, status=Status.QUEUED, lease_token=None, isolated=True, crashes=crashes)


def record_crash_of_attempt(attempt: DeliveryAttempt, now: datetime) -> None:
    """Repeat an attempt whose worker died during the call; after five crashes, quarantine its rows."""
    crashes = attempt.crashes + 1
    if crashes >= CRASHES_TO_QUARANTINE:
        abandon(attempt, attempt.rows, Reason.QUARANTINED, now, "Its worker died five times during the call.")
        return
    detail = "Its worker died during the call."
    due_at = now + wait_for_events(attempt)
    release_attempt(attempt, outcome=DeliveryAttempt.Outcome.UNKNOWN, crashes=crashes, due_at=due_at, detail=detail)
    update_rows(attempt.rows, reason=Reason.UNKNOWN, detail=detail)


def wait_for_events(attempt: DeliveryAttempt) -> timedelta:
    """Return how long an unknown attempt waits at least before it is repeated.

    Without idempotency keys, a repeat can be a second email. A delivery event with our message ID may arrive in this
    time, and it settles the attempt.
    """
    if attempt.contact_change_id or key_lifetime_of(attempt.provider) is not None:
        return timedelta()
    return timedelta(seconds=settings.EMAIL_UNKNOWN_WAIT_SECONDS)
