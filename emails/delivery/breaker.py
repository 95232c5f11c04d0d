"""Whether a provider may be called: pauses that it asked for, and the breaker that opens when it fails.

The rows of ProviderState are what all workers share. They are written only when something changes for the worse or
the better; while all goes well they are only read.
"""

import logging
import math
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from common.db import database_now
from emails.errors import ProviderError, Remedy
from emails.models import OutboundEmail, ProviderState, Status

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5  # in a row
PROBE_EVERY = timedelta(seconds=15)
CONFIGURATION_PROBE_EVERY = timedelta(seconds=60)
QUOTA_PROBE_EVERY = timedelta(hours=1)
RATE_LIMIT_PAUSE = timedelta(seconds=2)  # where a provider says "too many" and not for how long
LONGEST_RATE_LIMIT_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(days=1)  # whatever a header says
RELEASE_OVER = timedelta(seconds=30)
RELEASE_STEPS = 30

LOOK_EVERY = timedelta(seconds=1)

Pause = ProviderState.Pause

_seen_well_at: dict[str, float] = {}


def take_probe(state: ProviderState) -> bool:
    """Whether the caller may make the one call that finds out if the trouble is over; only one of all workers may."""
    mine = ProviderState.objects.filter(name=state.name, paused_until=state.paused_until)
    return mine.update(paused_until=state.now + PROBE_EVERY) == 1


def record_answers(provider: str, answers: Sequence[ProviderError | None]) -> bool:
    """Take note of what the provider's calls came to (None: accepted); returns whether it is to be waited for.

    Call it inside the transaction that settles the attempts, before the rows: while the provider is waited for, a
    refusal costs a message no try.
    """
    if not any(answers) and was_seen_well(provider):
        return False
    now = database_now()
    state = ProviderState.objects.select_for_update().get(name=provider)
    was_down = state.is_probing
    if any(is_sign_of_life(answer) for answer in answers):
        clear(state, now)
    for error in filter(None, answers):
        _seen_well_at.pop(provider, None)
        note_error(state, error, now)
    state.save()
    if was_down and not state.reason:
        logger.warning("%s answers again; what waited for it goes out over the next 30 seconds.", provider)
        release_waiting(now)
    return state.is_paused(now)


def was_seen_well(provider: str) -> bool:
    """Whether nothing is written against the provider. Looked up once a second: most batches are all well."""
    if time.monotonic() - _seen_well_at.get(provider, -math.inf) < LOOK_EVERY.total_seconds():
        return True
    is_well = ProviderState.objects.filter(name=provider, failures=0, reason="").exists()
    if is_well:
        _seen_well_at[provider] = time.monotonic()
    return is_well


def is_sign_of_life(answer: ProviderError | None) -> bool:
    """Whether the provider works: it took a message, or read one and refused it."""
    return answer is None or answer.remedy == Remedy.GIVE_UP


def clear(state: ProviderState, now: datetime) -> None:
    state.failures = 0
    if state.is_probing or not state.is_paused(now):  # a pause that was asked for is kept to its end
        state.paused_until, state.reason, state.detail = None, "", ""


def note_error(state: ProviderState, error: ProviderError, now: datetime) -> None:
    if error.remedy == Remedy.GIVE_UP:
        return
    if error.remedy == Remedy.FIX and error.pauses_provider:
        pause(state, Pause.CONFIGURATION, now + (error.retry_after or CONFIGURATION_PROBE_EVERY), error)
    elif error.remedy == Remedy.QUOTA:
        pause(state, Pause.QUOTA, now + max(error.retry_after or QUOTA_PROBE_EVERY, QUOTA_PROBE_EVERY), error)
    elif error.pauses_provider:
        pause(state, Pause.RATE_LIMITED, now + rate_limit_pause(state, error, now), error)
    else:
        state.failures += 1
        if state.failures >= FAILURES_TO_OPEN:
            pause(state, Pause.BREAKER, now + PROBE_EVERY, error)


def rate_limit_pause(state: ProviderState, error: ProviderError, now: datetime) -> timedelta:
    """As long as the provider says; where it does not, twice as long each time: the windows of limits are a minute."""
    if error.retry_after:
        return min(error.retry_after, LONGEST_PAUSE)
    if not state.is_paused(now):  # of calls that were refused together one counts
        state.failures += 1
    doublings = min(max(state.failures - 1, 0), 9)
    return min(RATE_LIMIT_PAUSE * (1 << doublings), LONGEST_RATE_LIMIT_PAUSE)


def pause(state: ProviderState, reason: Pause, until: datetime, error: ProviderError) -> None:
    if state.reason != reason:
        level = logging.ERROR if reason in (Pause.CONFIGURATION, Pause.QUOTA) else logging.WARNING
        logger.log(level, "%s is paused until %s (%s): %s", state.name, until, reason.label, error)
    state.reason = reason
    state.detail = str(error)
    state.paused_until = max(until, state.paused_until or until)


def pause_for_configuration(state: ProviderState, detail: str) -> None:
    """Pause a provider that cannot even be called, because a setting is missing."""
    logger.error("Mail waits: %s", detail)
    ProviderState.objects.filter(name=state.name).update(
        reason=Pause.CONFIGURATION, detail=detail, paused_until=state.now + CONFIGURATION_PROBE_EVERY
    )


def release_waiting(now: datetime) -> None:
    """Bring forward what backed off during the trouble, spread evenly so that the provider is not run over."""
    rows = OutboundEmail.objects.filter(status=Status.QUEUED, lease_token=None, due_at__gt=now, failures__gt=0)
    waiting = list(rows.values_list("pk", flat=True))
    random.shuffle(waiting)
    for step in range(RELEASE_STEPS):
        share = waiting[step::RELEASE_STEPS]
        if share:
            rows.filter(pk__in=share).update(due_at=now + RELEASE_OVER * step / RELEASE_STEPS)
