"""How fast a provider may be called: evenly spaced slots, which all workers take from one row of ProviderState.

This is GCRA, the generic cell rate algorithm, with a burst of one: each call takes the next slot, at 93% of the limit.
Slots are taken when calls are claimed, shortly before they begin, so that a worker without work holds none.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from common.db import database_now
from emails.backends import get_backend
from emails.backends.base import Acceptance, ProviderClient
from emails.models import ProviderState

# Six calls at five per second take 1.075 s at this share of the limit, which leaves 75 ms for delays on the way.
SHARE = 0.93

MAX_LATENESS = timedelta(milliseconds=10)  # a call that would begin later than this after its slot takes a new one
HORIZON = timedelta(milliseconds=600)  # how far ahead slots are taken: enough time to build what the calls carry
MIN_WAIT = timedelta(milliseconds=10)
MAX_AHEAD = timedelta(minutes=1)  # a slot further ahead than workers ever take means that the clock was set back


class NearSlots(NamedTuple):
    """The slots within the horizon."""

    free: int | None  # None if the calls are not paced
    opens_in: timedelta  # how long until there is one; zero if there is one now


def interval_of(state: ProviderState, client: ProviderClient) -> timedelta | None:
    """Return the time between two calls, or None if they are not paced.

    EMAIL_RATE_PER_SECOND is an upper limit (0: no pacing at all); the provider's own headers may ask for less.
    """
    ceiling = settings.EMAIL_RATE_PER_SECOND
    if ceiling == 0:
        return None
    reported = pacer(state).rate or (ceiling or client.default_rate)
    rate = min(reported, ceiling) if reported and ceiling else reported
    return timedelta(seconds=1 / (rate * SHARE)) if rate else None


def pacer(state: ProviderState) -> ProviderState:
    """Return the row with the slots: of emails for their provider's contacts, if both share a limit."""
    return state.paced_by or state


def until_next_slot(state: ProviderState, now: datetime | None = None) -> timedelta:
    """Return the time from ``now`` (default: the present) until the next free slot; zero if it is free then."""
    state = pacer(state)
    ahead = (state.next_slot_at or state.now) - (now or present(state))
    return ahead if timedelta() < ahead <= MAX_AHEAD else timedelta()


def slots_near(state: ProviderState, interval: timedelta | None) -> NearSlots:
    """Return how many calls may be claimed now, and if none, how long to wait."""
    horizon = timedelta() if interval is None else HORIZON
    spare = horizon - until_next_slot(state)
    if spare < timedelta():
        return NearSlots(0, opens_in=max(-spare, MIN_WAIT))
    return NearSlots(None if interval is None else 1 + spare // interval, opens_in=timedelta())


def take_slots(state: ProviderState, interval: timedelta, count: int) -> list[float]:
    """Take the next ``count`` slots and return their times on ``time.monotonic()``.

    Costs one UPDATE, and another one each time another worker takes slots at the same moment.
    """
    state = pacer(state)
    while True:
        seen = state.next_slot_at
        # Read the clock once: a busy process can lose time between two readings, and slots would come too close.
        now = present(state)
        first = now + until_next_slot(state, now)
        # Compare and swap: if two workers read the same slot, only one of their updates matches.
        unchanged = ProviderState.objects.filter(name=state.name, next_slot_at=seen)
        state.next_slot_at = first + count * interval
        if unchanged.update(next_slot_at=state.next_slot_at):
            break
        state.next_slot_at = ProviderState.objects.values_list("next_slot_at", flat=True).get(name=state.name)
    start = state.read_at + (first - state.now).total_seconds()
    return [start + number * interval.total_seconds() for number in range(count)]


def take_slot(provider: str, *, within: timedelta) -> float | None:
    """Take one slot for a call outside of a drain, and return the seconds to wait for it.

    Returns None if the provider is paused or has no slot within that time.
    """
    state = next(state for state in ProviderState.objects.with_rows_for(provider) if state.name == provider)
    if state.is_paused(state.now) or state.is_probing or until_next_slot(state) > within:
        return None
    interval = interval_of(state, get_backend(provider))
    if interval is None:
        return 0.0
    [slot] = take_slots(state, interval, 1)
    return max(slot - time.monotonic(), 0.0)


def record_limits(results: Iterable[tuple[str, float | None, object]]) -> None:
    """Store the limits that responses report, given as (provider, rate stored before, result), if they are new."""
    for provider, known_rate, result in results:
        if not isinstance(result, Acceptance):
            continue
        # Nearly every response repeats the known rate, which must not cost a query.
        if result.rate is not None and result.rate != known_rate:
            ProviderState.objects.filter(name=provider).exclude(rate=result.rate).update(rate=result.rate)
        if result.cooldown:
            until = database_now() + min(result.cooldown, MAX_AHEAD)
            ProviderState.objects.filter(name=provider).update(next_slot_at=until)


def present(state: ProviderState) -> datetime:
    """Return the database's time now, computed from when it was read."""
    # time.monotonic() doesn't jump when the machine's clock is corrected.
    return state.now + timedelta(seconds=time.monotonic() - state.read_at)
