"""How fast a provider may be called: evenly spaced slots, one row of ProviderState for all workers.

A generic cell rate algorithm with a burst of one: each call takes the next slot, at 93 % of the limit. Slots are taken
when a call is ready, shortly before it begins, so that none is kept by a worker that has nothing to send.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings

from common.db import database_now
from emails.backends import get_backend
from emails.backends.base import Caller, Receipt
from emails.models import ProviderState

SHARE = 0.93  # of the limit: six calls at five a second take 1.075 s, and may come 75 ms closer on their way
LATENESS = timedelta(milliseconds=10)  # a call that begins later than that after its slot takes another one
HORIZON = timedelta(milliseconds=600)  # claim for slots that are no further away: time to build what they carry
A_MOMENT = timedelta(milliseconds=10)
LONGEST_QUEUE = timedelta(minutes=1)  # of slots: more than workers ever take is a clock that was set back


def interval_of(state: ProviderState, backend: Caller) -> timedelta | None:
    """The time between two calls; None where they may come as they like.

    EMAIL_RATE_PER_SECOND is a ceiling (0: no limit at all), the provider's own headers may say less.
    """
    ceiling = settings.EMAIL_RATE_PER_SECOND
    if ceiling == 0:
        return None
    told = state.rate or (ceiling or backend.default_rate)
    rate = min(told, ceiling) if told and ceiling else told
    return timedelta(seconds=1 / (rate * SHARE)) if rate else None


def until_next_slot(state: ProviderState, now: datetime | None = None) -> timedelta:
    """From ``now`` on, which is the present unless given; not negative."""
    ahead = (state.next_slot_at or state.now) - (now or present(state))
    return ahead if timedelta() < ahead <= LONGEST_QUEUE else timedelta()


def slots_near(state: ProviderState, interval: timedelta | None) -> int | None:
    """How many slots come within the horizon; None: as many calls as one likes."""
    spare = (timedelta() if interval is None else HORIZON) - until_next_slot(state)
    if spare < timedelta():
        return 0
    return None if interval is None else 1 + spare // interval


def until_near(state: ProviderState, interval: timedelta | None) -> timedelta:
    """How long until slots_near() gives one."""
    return max(until_next_slot(state) - (timedelta() if interval is None else HORIZON), A_MOMENT)


def take_slots(state: ProviderState, interval: timedelta, count: int) -> list[float]:
    """The next ``count`` slots, on ``time.monotonic()``. One UPDATE, and another when another worker was faster."""
    while True:
        seen = state.next_slot_at
        now = present(state)  # read once: between two readings a busy process can lose time, and slots come closer
        first = now + until_next_slot(state, now)
        unchanged = ProviderState.objects.filter(name=state.name, next_slot_at=seen)
        state.next_slot_at = first + count * interval
        if unchanged.update(next_slot_at=state.next_slot_at):
            break
        state.next_slot_at = ProviderState.objects.values_list("next_slot_at", flat=True).get(name=state.name)
    start = state.read_at + (first - state.now).total_seconds()
    return [start + number * interval.total_seconds() for number in range(count)]


def take_slot(provider: str, *, within: timedelta) -> float | None:
    """The seconds to wait before one call outside of the drain; None when there is none to be had within that time."""
    state = next(state for state in ProviderState.objects.with_rows_for(provider) if state.name == provider)
    if state.is_paused(state.now) or state.is_probing or until_next_slot(state) > within:
        return None
    interval = interval_of(state, get_backend(provider))
    if interval is None:
        return 0.0
    [slot] = take_slots(state, interval, 1)
    return max(slot - time.monotonic(), 0.0)


def note_limits(answers: Iterable[tuple[str, float | None, object]]) -> None:
    """Write down what answers say of the limits, given as (provider, rate known before, answer), where it is news."""
    for provider, known_rate, answer in answers:
        if not isinstance(answer, Receipt):
            continue
        if answer.rate is not None and answer.rate != known_rate:
            ProviderState.objects.filter(name=provider).exclude(rate=answer.rate).update(rate=answer.rate)
        if answer.pause:
            until = database_now() + min(answer.pause, LONGEST_QUEUE)
            ProviderState.objects.filter(name=provider).update(next_slot_at=until)


def present(state: ProviderState) -> datetime:
    """The database's time, by the time that has passed here since it was read."""
    return state.now + timedelta(seconds=time.monotonic() - state.read_at)
