"""Every change that delivery makes to a row or an attempt that a worker holds.

The functions run in the caller's transaction. A change to an attempt, or to a row with a lease of its own, names the
fencing token, and raises ``LeaseLost`` if another worker has taken over. A row that belongs to an attempt has no lease;
it is changed only while it is still ``sending``, because an event may already have moved it on.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from common.retry import backoff
from emails.delivery.preparation import Ending
from emails.errors import LeaseLost, ProviderError
from emails.models import DeliveryAttempt, Reason, Status, Work

logger = logging.getLogger(__name__)

RETRY_FOR = timedelta(hours=48)
FIRST_BACKOFF = timedelta(seconds=5)
FIRST_BACKOFF_FOR_A_PERSON = timedelta(minutes=1)
MAX_BACKOFF = timedelta(hours=1)

NEEDS_A_PERSON = (Reason.CONFIGURATION, Reason.QUOTA)  # retried forever, because a person will fix it


def lease() -> timedelta:
    """Return how long a worker may hold what it claims."""
    return timedelta(seconds=settings.EMAIL_LEASE_SECONDS)


def still_claimed(rows: Sequence[Work]) -> QuerySet[Any]:
    """Return a query for the rows that this worker still holds, out of rows that it claimed together."""
    keys = [row.pk for row in rows]
    # Rows that were claimed together share one token.
    return type(rows[0])._default_manager.filter(pk__in=keys, lease_token=rows[0].lease_token, status=Status.SENDING)


def end_lease(rows: Sequence[Work], **changes: object) -> None:
    """Remove the lease of rows that were claimed together, because an attempt or an ending follows.

    Raises ``LeaseLost`` if another worker holds one of them, or an event has moved one on.
    """
    if still_claimed(rows).update(lease_token=None, due_at=None, **changes) < len(rows):
        raise LeaseLost


def requeue(rows: Sequence[Work], now: datetime) -> None:
    """Put claimed rows back that were not needed for a call; they are due immediately."""
    if rows:
        still_claimed(rows).update(status=Status.QUEUED, lease_token=None, due_at=now)


def end_without_call(row: Work, ending: Ending, now: datetime) -> None:
    """Apply the ending to a row whose lease has just been removed with ``end_lease()``."""
    if ending.unsupported_by:
        leave_to_first_provider(row, ending.unsupported_by, ending.detail, now)
    elif ending.status == Status.QUEUED:
        retry_later(row, ending.reason or Reason.INTERNAL, ending.detail, now)
    elif ending.status == Status.FAILED:
        fail(row, ending.reason or Reason.REFUSED, ending.detail, now)
    else:
        settle_row(row, now, status=ending.status, reason="", detail=ending.detail)
        extra = {"email": row, "outcome": f"{ending.status}: {ending.detail}"}
        logger.info("Message %s is %s: %s", row.pk, ending.status, ending.detail, extra=extra)


def retry_later(row: Work, reason: Reason, detail: str, now: datetime, *, counts_as_failure: bool = True) -> None:
    """Queue the row for another attempt after a backoff, or fail it after two days of failures.

    With ``counts_as_failure`` off, the row is due immediately and its failures stay as they are: its provider is
    paused, and the row was refused only because of that.
    """
    first_failed_at = row.first_failed_at or now
    if row.has_retry_limit and reason not in NEEDS_A_PERSON and now - first_failed_at >= RETRY_FOR:
        fail(row, Reason.GAVE_UP, detail, now)
        return
    update_row(
        row,
        status=Status.QUEUED,
        reason=reason,
        detail=detail,
        lease_token=None,
        first_failed_at=first_failed_at,
        failures=row.failures + counts_as_failure,
        due_at=now + wait_before_retry(row, reason) if counts_as_failure else now,
    )
    # An error, because nothing improves until a person acts.
    level = logging.ERROR if reason in NEEDS_A_PERSON else logging.WARNING
    extra = {"email": row, "outcome": f"will be retried ({reason}): {detail}"}
    logger.log(level, "Message %s was not accepted and will be retried (%s): %s", row.pk, reason, detail, extra=extra)


def leave_to_first_provider(row: Work, fallback: str, detail: str, now: datetime) -> None:
    """Queue the row for the first provider only, because the fallback provider can't send it."""
    changes = {"reason": Reason.WAITS_FOR_FIRST, "detail": detail, "unsupported_by": fallback}
    update_row(row, status=Status.QUEUED, due_at=now, lease_token=None, **changes)
    words = "%s can't send message %s, so it waits for the first provider: %s"
    logger.warning(words, fallback, row.pk, detail, extra={"email": row})


def wait_before_retry(row: Work, reason: Reason) -> timedelta:
    """Return the row's backoff. It starts longer if a person must act first."""
    first = FIRST_BACKOFF_FOR_A_PERSON if reason in NEEDS_A_PERSON else FIRST_BACKOFF
    return backoff(row.failures, first=first, longest=MAX_BACKOFF)


def fail(row: Work, reason: Reason, detail: str, now: datetime) -> None:
    """End the row as failed."""
    settle_row(row, now, status=Status.FAILED, reason=reason, detail=detail)
    extra = {"email": row, "outcome": f"failed ({reason}): {detail}"}
    logger.error("Message %s failed (%s): %s", row.pk, reason, detail, extra=extra)


def settle_row(row: Work, now: datetime, **changes: Any) -> None:
    """End the row: nothing is due anymore, and a sensitive body is blanked."""
    update_row(row, due_at=None, lease_token=None, settled_at=now, **changes, **row.changes_when_settled())


def update_row(row: Work, **changes: Any) -> None:
    """Change a row, unless an event has moved it on in the meantime: then the newer state stays."""
    update_rows([row], **changes)


def update_rows(rows: Sequence[Work], **changes: Any) -> None:
    """Change rows of one kind alike, as ``update_row()`` does."""
    if not rows:  # the emails of an attempt may have been erased in the meantime
        return
    keys = [row.pk for row in rows]
    type(rows[0])._default_manager.filter(pk__in=keys, status=Status.SENDING).update(**changes)


def close_attempt(
    attempt: DeliveryAttempt, outcome: DeliveryAttempt.Outcome, now: datetime, error: ProviderError | None = None
) -> None:
    """End the attempt and drop its body. Raises ``LeaseLost``; then its rows belong to another worker as well."""
    details = error_fields(error) if error else {}
    release_attempt(attempt, outcome=outcome, settled_at=now, body=None, due_at=None, **details)


def release_attempt(attempt: DeliveryAttempt, **changes: Any) -> None:
    """Change the attempt and remove its lease. Raises ``LeaseLost`` if another worker has taken over."""
    ours = DeliveryAttempt.objects.filter(pk=attempt.pk, lease_token=attempt.lease_token)
    if not ours.update(lease_token=None, **changes):
        raise LeaseLost(f"Attempt {attempt.pk} was taken over by another worker.")


def error_fields(error: ProviderError) -> dict[str, Any]:
    """Return the columns of an attempt that describe the error."""
    return {"status_code": error.status, "error_code": error.code[:100], "detail": error.detail}
