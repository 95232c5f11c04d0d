"""Times in stories: ``now``, ``in 3 days``, and ``2 hours ago``, seen from the moment of the step.

``month now`` and ``year in 20 days`` are the month and the year of such a time, as numbers.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

SECONDS: Mapping[str, int] = {
    "second": 1,
    "minute": 60,
    "hour": 60 * 60,
    "day": 24 * 60 * 60,
    "week": 7 * 24 * 60 * 60,
    "month": 30 * 24 * 60 * 60,
    "year": 365 * 24 * 60 * 60,
}
UNIT = f"({'|'.join(SECONDS)})s?"
TIME = re.compile(rf"(month |year )?(now|in (\d{{1,4}}) {UNIT}|(\d{{1,4}}) {UNIT} ago)")


def resolved(value: object, at: int) -> object:
    """Return the value with every time in it as Unix seconds, and with None for the text ``none``.

    TOML has no null, which many of Stripe's fields are.
    """
    if isinstance(value, dict):
        return {name: resolved(item, at) for name, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, at) for item in value]
    if not isinstance(value, str):
        return value
    if value == "none":
        return None
    found = TIME.fullmatch(value)
    return moment(found, at) if found else value


def moment(found: re.Match[str], at: int) -> int:
    part, _, ahead, unit, past, old_unit = found.groups()
    seconds = at
    if ahead:
        seconds += int(ahead) * SECONDS[unit]
    elif past:
        seconds -= int(past) * SECONDS[old_unit]
    day = datetime.fromtimestamp(seconds, UTC)
    return {None: seconds, "month ": day.month, "year ": day.year}[part]
