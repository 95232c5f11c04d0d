"""The moves of a row or an attempt that delivery holds: put off, ended, written, let go.

An attempt is written under its lease, in the caller's transaction: a worker whose lease ran out changes nothing.
"""

import logging
import random
from datetime import datetime, timedelta
from typing import Any

from emails.delivery.preparation import Ending
from emails.errors import LeaseLost, ProviderError
from emails.models import DeliveryAttempt, Reason, Status, Work

logger = logging.getLogger(__name__)

KEEP_TRYING_FOR = timedelta(hours=48)
FIRST_BACKOFF = timedelta(seconds=5)
FIRST_BACKOFF_OF_CONFIGURATION = timedelta(minutes=1)
LONGEST_BACKOFF = timedelta(hours=1)

NEED_A_PERSON = (Reason.CONFIGURATION, Reason.QUOTA)  # waited for as long as it takes


def end_without_call(row: Work, ending: Ending, now: datetime) -> None:
    """A row that will not be sent, or not yet. The caller holds its lease."""
    if ending.status == Status.QUEUED:
        postpone(row, ending.reason or Reason.INTERNAL, ending.detail, now)
    elif ending.status == Status.FAILED:
        fail(row, ending.reason or Reason.REFUSED, ending.detail, now)
    else:
        write(row, status=ending.status, reason="", detail=ending.detail, **ended(now), **row.blanked_content)
        logger.info("Message %s is %s: %s", row.pk, ending.status, ending.detail)


def postpone(row: Work, reason: Reason, detail: str, now: datetime, *, costs_a_try: bool = True) -> None:
    first_failed_at = row.first_failed_at or now
    is_given_up = row.is_given_up and reason not in NEED_A_PERSON
    if is_given_up and now - first_failed_at >= KEEP_TRYING_FOR:
        fail(row, Reason.GAVE_UP, detail, now)
        return
    first = FIRST_BACKOFF_OF_CONFIGURATION if reason in NEED_A_PERSON else FIRST_BACKOFF
    write(
        row, status=Status.QUEUED, reason=reason, detail=detail, lease_token=None, first_failed_at=first_failed_at,
        failures=row.failures + costs_a_try,
        due_at=now + backoff(row.failures, first) if costs_a_try else now,
    )  # fmt: skip
    level = logging.ERROR if reason in NEED_A_PERSON else logging.WARNING
    logger.log(level, "Message %s was not taken and waits (%s): %s", row.pk, reason, detail)


def fail(row: Work, reason: Reason, detail: str, now: datetime) -> None:
    write(row, status=Status.FAILED, reason=reason, detail=detail, **ended(now), **row.blanked_content)
    logger.error("Message %s failed (%s): %s", row.pk, reason, detail)


def ended(now: datetime) -> dict[str, Any]:
    return {"due_at": None, "lease_token": None, "settled_at": now}


def write(row: Work, **changes: Any) -> None:
    """Change a row that delivery holds; a row that events have moved on meanwhile keeps its newer state."""
    type(row)._default_manager.filter(pk=row.pk, status=Status.SENDING).update(**changes)


def close(
    attempt: DeliveryAttempt, outcome: DeliveryAttempt.Outcome, now: datetime, error: ProviderError | None = None
) -> None:
    """End the attempt and drop its body. Raises ``LeaseLost``: then its rows are another worker's."""
    details = description(error) if error else {}
    release(attempt, outcome=outcome, settled_at=now, body=None, due_at=None, **details)


def release(attempt: DeliveryAttempt, **changes: Any) -> None:
    mine = DeliveryAttempt.objects.filter(pk=attempt.pk, lease_token=attempt.lease_token)
    if not mine.update(lease_token=None, **changes):
        raise LeaseLost(f"Attempt {attempt.pk} was taken over by another worker.")


def description(error: ProviderError) -> dict[str, Any]:
    return {"status_code": error.status, "error_code": error.code[:100], "detail": error.detail}


def backoff(failures: int, first: timedelta = FIRST_BACKOFF) -> timedelta:
    """Exponential with full jitter, at least a second, at most an hour."""
    longest = min(first * 2 ** min(failures, 20), LONGEST_BACKOFF)
    return timedelta(seconds=random.uniform(1, longest.total_seconds()))
