"""Whether a provider may be called: pauses that it asked for, and a circuit breaker that opens when it fails.

The rows of ProviderState are shared by all workers. While a provider works they are only read, and they are written
when something gets worse or better.
"""

import logging
import math
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from common.db import database_now, index_walks
from emails.errors import ProviderError, Remedy
from emails.models import OutboundEmail, ProviderState

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5  # in a row
PROBE_EVERY = timedelta(seconds=15)
CONFIGURATION_PROBE_EVERY = timedelta(seconds=60)
QUOTA_PROBE_EVERY = timedelta(hours=1)
RATE_LIMIT_PAUSE = timedelta(seconds=2)  # if a provider doesn't say how long to wait
MAX_RATE_LIMIT_PAUSE = timedelta(minutes=1)
MAX_DOUBLINGS = 9  # more would not change the pause, which is at its maximum by then
MAX_PAUSE = timedelta(days=1)  # even if a header asks for more
RELEASE_OVER = timedelta(seconds=30)
RELEASE_AT_ONCE = 100

TRUST_HEALTH_FOR = timedelta(seconds=1)

PauseReason = ProviderState.PauseReason

_healthy_at: dict[str, float] = {}  # when this process last saw that nothing is recorded against a provider


def take_probe(state: ProviderState) -> bool:
    """Return whether the caller may make the one call that tests the provider; only one worker gets True."""
    # Compare and swap: the first worker moves paused_until, so the filter of the others no longer matches.
    unchanged = ProviderState.objects.filter(name=state.name, paused_until=state.paused_until)
    return unchanged.update(paused_until=state.now + PROBE_EVERY) == 1


def record_results(provider: str, results: Sequence[ProviderError | None]) -> bool:
    """Record what the provider's calls resulted in (None: accepted), and return whether it is paused now.

    Call it in the transaction that settles the attempts, before the rows: while a provider is paused, refusals don't
    count against a message's retry budget.
    """
    if not any(results) and is_known_healthy(provider):
        return False
    now = database_now()
    state = ProviderState.objects.select_for_update().get(name=provider)
    was_down = state.is_probing
    if any(shows_provider_works(result) for result in results):
        clear(state, now)
    for error in filter(None, results):
        _healthy_at.pop(provider, None)  # the next batch must read the state again, to clear it
        record_error(state, error, now)
    state.save()
    if was_down and not state.reason:
        logger.warning("%s works again; the messages that waited for it are sent over the next 30 seconds.", provider)
        release_waiting(now)
    return state.is_paused(now)


def is_known_healthy(provider: str) -> bool:
    """Return whether nothing is recorded against the provider.

    It is read at most once a second, because this runs for every settled batch.
    """
    if time.monotonic() - _healthy_at.get(provider, -math.inf) < TRUST_HEALTH_FOR.total_seconds():
        return True
    is_healthy = ProviderState.objects.filter(name=provider, failures=0, reason="").exists()
    if is_healthy:
        _healthy_at[provider] = time.monotonic()
    return is_healthy


def shows_provider_works(result: ProviderError | None) -> bool:
    """Return whether the provider accepted a message, or read one and refused it permanently."""
    return result is None or result.remedy == Remedy.GIVE_UP


def clear(state: ProviderState, now: datetime) -> None:
    state.failures = 0
    if state.is_probing or not state.is_paused(now):  # a pause that the provider asked for stays
        state.paused_until, state.reason, state.detail = None, "", ""


def record_error(state: ProviderState, error: ProviderError, now: datetime) -> None:
    """Pause the provider, or count a failure, depending on who can fix the error. The caller saves the state."""
    if error.remedy == Remedy.GIVE_UP:
        return
    if error.remedy == Remedy.FIX and error.pauses_provider:
        pause(state, PauseReason.CONFIGURATION, now + (error.retry_after or CONFIGURATION_PROBE_EVERY), error)
    elif error.remedy == Remedy.QUOTA:
        pause(state, PauseReason.QUOTA, now + max(error.retry_after or QUOTA_PROBE_EVERY, QUOTA_PROBE_EVERY), error)
    elif error.pauses_provider:
        pause(state, PauseReason.RATE_LIMITED, now + rate_limit_pause(state, error, now), error)
    else:
        state.failures += 1
        if state.failures >= FAILURES_TO_OPEN:
            pause(state, PauseReason.BREAKER, now + PROBE_EVERY, error)


def rate_limit_pause(state: ProviderState, error: ProviderError, now: datetime) -> timedelta:
    """Return how long the provider asks us to wait. If it doesn't say, double the pause each time, up to a minute.

    A minute is enough, because that is the longest window that providers count calls in.
    """
    if error.retry_after:
        return min(error.retry_after, MAX_PAUSE)
    if not state.is_paused(now):  # calls that were in flight together and refused together count once
        state.failures += 1
    doublings = min(max(state.failures - 1, 0), MAX_DOUBLINGS)
    return min(RATE_LIMIT_PAUSE * (1 << doublings), MAX_RATE_LIMIT_PAUSE)


def pause(state: ProviderState, reason: PauseReason, until: datetime, error: ProviderError) -> None:
    """Pause the provider, without shortening a pause that lasts longer. The caller saves the state."""
    if state.reason != reason:
        level = logging.ERROR if reason in (PauseReason.CONFIGURATION, PauseReason.QUOTA) else logging.WARNING
        logger.log(level, "%s is paused until %s (%s): %s", state.name, until, reason.label, error)
    state.reason = reason
    state.detail = str(error)
    state.paused_until = max(until, state.paused_until or until)


def pause_for_configuration(state: ProviderState, detail: str) -> None:
    """Pause a provider that can't be called at all, because a setting is missing or wrong."""
    logger.error("Emails wait: %s", detail)
    ProviderState.objects.filter(name=state.name).update(
        reason=PauseReason.CONFIGURATION, detail=detail, paused_until=state.now + CONFIGURATION_PROBE_EVERY
    )


def release_waiting(now: datetime) -> None:
    """Make emails due that backed off while the provider was down, spread evenly so as not to overload it."""
    end = now + RELEASE_OVER
    # What is due by then anyway stays as it is, so each share leaves the query once it is released.
    failed = OutboundEmail.objects.filter(first_failed_at__isnull=False, failures__gt=0)
    # Without a condition on the status, which has an index of its own that SQLite would prefer.
    later = failed.filter(lease_token=None, due_at__gt=end)
    with index_walks():
        while share := list(later.order_by("due_at").values_list("pk", flat=True)[:RELEASE_AT_ONCE]):
            due_at = now + RELEASE_OVER * random.random()
            OutboundEmail.objects.filter(pk__in=share, lease_token=None).update(due_at=due_at)
