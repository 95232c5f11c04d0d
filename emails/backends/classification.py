"""What an HTTP status means for the mail, where a provider says nothing more precise."""

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from emails.errors import Outcome, Remedy

LONGEST_PAUSE = timedelta(days=1)
QUOTA = re.compile(r"quota|credits exceeded|(monthly|daily|plan|sending|account|usage) limit", re.IGNORECASE)
OTHER_CONTENT = re.compile(r"different|invalid_idempotent|mismatch|other (content|payload|body|request)", re.IGNORECASE)


class Verdict(NamedTuple):
    outcome: Outcome
    remedy: Remedy
    pauses_provider: bool = False


REFUSED = Verdict(Outcome.NOT_SENT, Remedy.GIVE_UP)
REFUSED_FOR_NOW = Verdict(Outcome.NOT_SENT, Remedy.RETRY)
RATE_LIMITED = Verdict(Outcome.NOT_SENT, Remedy.RETRY, pauses_provider=True)
NEEDS_A_PERSON = Verdict(Outcome.NOT_SENT, Remedy.FIX, pauses_provider=True)
OVER_QUOTA = Verdict(Outcome.NOT_SENT, Remedy.QUOTA, pauses_provider=True)
MESSAGE_NEEDS_A_PERSON = Verdict(Outcome.NOT_SENT, Remedy.FIX)
UNKNOWN = Verdict(Outcome.UNKNOWN, Remedy.RETRY)
UNKNOWN_FOR_GOOD = Verdict(Outcome.UNKNOWN, Remedy.GIVE_UP)

BY_STATUS = {
    401: NEEDS_A_PERSON,
    402: NEEDS_A_PERSON,
    403: MESSAGE_NEEDS_A_PERSON,
    407: NEEDS_A_PERSON,
    408: UNKNOWN,
    429: RATE_LIMITED,
    503: REFUSED_FOR_NOW,
}


def verdict_on(status: int, said: str) -> Verdict:
    """By the status, and by what the answer said where one status means two things."""
    if status in (401, 402, 403, 429) and QUOTA.search(said):
        return OVER_QUOTA
    if status in BY_STATUS:
        return BY_STATUS[status]
    return REFUSED if 300 <= status < 500 else UNKNOWN


def verdict_on_conflict(said: str) -> Verdict:
    """409 to a repeated Idempotency-Key: the first call still runs, or it had another payload, and what became of
    that one cannot be asked."""
    return UNKNOWN_FOR_GOOD if OTHER_CONTENT.search(said) else UNKNOWN


def retry_after(headers: Mapping[str, str], *seconds_headers: str) -> timedelta | None:
    """Retry-After (seconds or an HTTP date), else the first of these headers, in seconds."""
    for name in ("Retry-After", *seconds_headers):
        value = headers.get(name)
        pause = _pause(value) if value else None
        if pause is not None:
            return pause
    return None


def pause_until_epoch(value: str | None) -> timedelta | None:
    """From now to a Unix time in seconds."""
    moment = _number(value or "")
    return None if moment is None else _bounded(moment - time.time())


def _pause(value: str) -> timedelta | None:
    seconds = _number(value)
    if seconds is not None:
        return _bounded(seconds)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _bounded((aware - datetime.now(UTC)).total_seconds())


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _bounded(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0), LONGEST_PAUSE.total_seconds()))
