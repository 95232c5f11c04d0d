"""The wait that an HTTP server asks for in its response headers."""

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_WAIT = timedelta(days=1)


def retry_after(headers: Mapping[str, str], *seconds_headers: str) -> timedelta | None:
    """Return the value of Retry-After (seconds or an HTTP date), or else of the first of these headers, in seconds."""
    for name in ("Retry-After", *seconds_headers):
        value = headers.get(name)
        wait = _wait(value) if value else None
        if wait is not None:
            return wait
    return None


def wait_until_epoch(value: str | None) -> timedelta | None:
    """Return the time from now until a Unix timestamp."""
    moment = _number(value or "")
    return None if moment is None else _bounded(moment - time.time())


def _wait(value: str) -> timedelta | None:
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
    return timedelta(seconds=min(max(seconds, 0), MAX_WAIT.total_seconds()))
