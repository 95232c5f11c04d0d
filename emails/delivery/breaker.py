"""Whether a provider may be called: pauses that it asked for, and a circuit breaker that opens when it fails.

The rows of ProviderState are shared by all workers. While a provider works they are only read, and they are written
when something gets worse or better.
"""

import logging
import math
import random
import time
from collections.abc import Sequence
from copy import copy
from datetime import datetime, timedelta
from http import HTTPStatus

from django.db import transaction
from django.db.models import DateTimeField, Value
from django.db.models.functions import Coalesce

from common.db import database_now, index_walks
from emails.backends import configured_provider, fallback_provider
from emails.backends.fingerprint import provider_settings, settings_fingerprint
from emails.errors import ProviderError, Remedy
from emails.models import OutboundEmail, ProviderState

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5  # in a row
PROBE_EVERY = timedelta(seconds=15)
CONFIGURATION_PROBE_EVERY = timedelta(seconds=60)
QUOTA_PROBE_EVERY = timedelta(hours=1)
# With a fallback provider, a probe delays one email a little instead of showing all others that they must wait longer.
# A quota renews once a day at most, so more probes would find out nothing new.
CONFIGURATION_PROBE_EVERY_WITH_FALLBACK = timedelta(seconds=30)
QUOTA_PROBE_EVERY_WITH_FALLBACK = timedelta(minutes=5)
RATE_LIMIT_PAUSE = timedelta(seconds=2)  # if a provider doesn't say how long to wait
MAX_RATE_LIMIT_PAUSE = timedelta(minutes=1)
MAX_DOUBLINGS = 9  # more would not change the pause, which is at its maximum by then
MAX_PAUSE = timedelta(days=1)  # even if a header asks for more
RELEASE_OVER = timedelta(seconds=30)
RELEASE_AT_ONCE = 100

TRUST_HEALTH_FOR = timedelta(seconds=1)

PauseReason = ProviderState.PauseReason

_healthy_at: dict[str, float] = {}  # when this process last saw that nothing is recorded against a provider
_settings_seen: dict[str, tuple[str, ...]] = {}  # the settings that this process last saw


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
    before = copy(state)
    if any(shows_provider_works(result) for result in results):
        clear(state, now)
    for error in filter(None, results):
        _healthy_at.pop(provider, None)  # the next batch must read the state again, to clear it
        record_error(state, error, now)
    state.save()
    if before.is_probing and not state.is_probing:
        log_recovery(before, now)
        release_waiting(now)
    return state.is_paused(now)


def is_known_healthy(provider: str) -> bool:
    """Return whether nothing is recorded against the provider.

    It is read at most once a second, because this runs for every settled batch.
    """
    if time.monotonic() - _healthy_at.get(provider, -math.inf) < TRUST_HEALTH_FOR.total_seconds():
        return True
    is_healthy = ProviderState.objects.filter(name=provider, failures=0, reason="", down_since=None).exists()
    if is_healthy:
        _healthy_at[provider] = time.monotonic()
    return is_healthy


def shows_provider_works(result: ProviderError | None) -> bool:
    """Return whether the provider accepted a message, or read one and refused it permanently."""
    return result is None or result.remedy == Remedy.GIVE_UP


def clear(state: ProviderState, now: datetime) -> None:
    """Forget what was wrong, and end a failover. The caller saves the state."""
    state.failures = 0
    if state.is_probing or not state.is_paused(now):  # a pause that the provider asked for stays
        state.paused_until, state.reason, state.detail = None, "", ""
    state.down_since = state.failed_over_at = None


def log_recovery(before: ProviderState, now: datetime) -> None:
    """Log that the provider works again. ``before`` is its state before the call that showed it."""
    if before.failed_over_at is None:
        logger.warning("%s works again; the messages that waited for it are sent over the next 30 seconds.", before)
    else:
        down_for = now - (before.down_since or before.failed_over_at)
        logger.warning(
            "%s works again after %s and carries emails again. The fallback provider carried them for %s.",
            before,
            in_seconds(down_for),
            in_seconds(now - before.failed_over_at),
        )


def in_seconds(duration: timedelta) -> timedelta:
    return timedelta(seconds=round(duration.total_seconds()))


def record_error(state: ProviderState, error: ProviderError, now: datetime) -> None:
    """Pause the provider, or count a failure, depending on who can fix the error. The caller saves the state."""
    if error.remedy == Remedy.GIVE_UP:
        return
    if error.remedy == Remedy.FIX and (error.pauses_provider or state.name == fallback_provider()):
        # At the fallback provider, one sender that isn't verified there probably means that no sender is.
        pause(
            state, PauseReason.CONFIGURATION, now + (error.retry_after or configuration_probe_every(state)), error, now
        )
    elif error.remedy == Remedy.QUOTA:
        probe_every = quota_probe_every(state)
        pause(state, PauseReason.QUOTA, now + max(error.retry_after or probe_every, probe_every), error, now)
    elif error.pauses_provider:
        pause(state, PauseReason.RATE_LIMITED, now + rate_limit_pause(state, error, now), error, now)
    else:
        state.failures += 1
        describe_error(state, error)
        state.down_since = state.down_since or now
        if state.failures >= FAILURES_TO_OPEN:
            pause(state, PauseReason.BREAKER, now + PROBE_EVERY, error, now)


def configuration_probe_every(state: ProviderState) -> timedelta:
    return CONFIGURATION_PROBE_EVERY_WITH_FALLBACK if has_fallback(state) else CONFIGURATION_PROBE_EVERY


def quota_probe_every(state: ProviderState) -> timedelta:
    return QUOTA_PROBE_EVERY_WITH_FALLBACK if has_fallback(state) else QUOTA_PROBE_EVERY


def has_fallback(state: ProviderState) -> bool:
    """Return whether another provider stands in for this one while it can't be used."""
    return state.name == configured_provider() and fallback_provider() != ""


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


def pause(state: ProviderState, reason: PauseReason, until: datetime, error: ProviderError, now: datetime) -> None:
    """Pause the provider, without shortening a pause that lasts longer. The caller saves the state."""
    if state.reason != reason:
        level = logging.ERROR if reason in (PauseReason.CONFIGURATION, PauseReason.QUOTA) else logging.WARNING
        logger.log(level, "%s is paused until %s (%s): %s", state.name, until, reason.label, error)
    # A 429 means that calls come too fast, not that the provider is down. A 503 with Retry-After does mean that.
    if reason != PauseReason.RATE_LIMITED or error.status != HTTPStatus.TOO_MANY_REQUESTS:
        state.down_since = state.down_since or now
    state.reason = reason
    describe_error(state, error)
    state.paused_until = max(until, state.paused_until or until)


def describe_error(state: ProviderState, error: ProviderError) -> None:
    """Store what people read, and the settings under which it happened. The caller saves the state."""
    state.detail = str(error)
    state.settings_fingerprint = settings_fingerprint(state.name)


def pause_for_configuration(state: ProviderState, detail: str) -> None:
    """Pause a provider that can't be called at all, because a setting is missing or wrong."""
    logger.error("%s can't be used, so its emails wait: %s", state.name, detail)
    ProviderState.objects.filter(name=state.name).update(
        reason=PauseReason.CONFIGURATION,
        detail=detail,
        settings_fingerprint=settings_fingerprint(state.name),
        paused_until=state.now + configuration_probe_every(state),
        down_since=Coalesce("down_since", Value(state.now, output_field=DateTimeField())),
    )


def end_outdated_pause(state: ProviderState) -> None:
    """End a pause that began under other settings. Does something only in the first call after a process starts.

    Later, two processes that run with different wrong keys would otherwise end each other's pauses without end.
    """
    current = provider_settings(state.name)
    if _settings_seen.get(state.name) == current:
        return
    _settings_seen[state.name] = current
    if not state.reason or state.settings_fingerprint == settings_fingerprint(state.name):
        return
    with transaction.atomic():
        paused = ProviderState.objects.filter(name=state.name, reason=state.reason, paused_until=state.paused_until)
        state.paused_until, state.reason, state.detail, state.failures = None, "", "", 0
        if state.failed_over_at is None:  # a failover goes on until a call succeeds
            state.down_since = None
        changes = {
            name: getattr(state, name) for name in ("paused_until", "reason", "detail", "failures", "down_since")
        }
        if paused.update(**changes):
            logger.warning("The settings of %s have changed, so its pause has ended.", state.name)
            release_waiting(state.now)


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
