"""How long an HTTP server asks its clients to wait."""

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = timedelta(days=1)


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
