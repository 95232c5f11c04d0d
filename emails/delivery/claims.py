"""Which calls may be made now: attempts to repeat first, then new ones for due rows, each at its slot."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from common.failpoints import failpoint
from emails.backends import PROVIDERS, configured_provider, contacts_provider, get_caller, get_contacts
from emails.backends.base import Caller
from emails.delivery import breaker, pacing, settlement, transitions
from emails.delivery.attempts import lease, open_attempts
from emails.delivery.calls import Call, Pace
from emails.delivery.queues import Queue, queues_of
from emails.models import ContactChange, DeliveryAttempt, OutboundEmail, ProviderState, Reason, Status

KEY_MARGIN = timedelta(hours=1)  # a repeat must reach the provider while it still knows the key
MOST_TO_GIVE_UP = 500  # at once
WAIT_OUT = timedelta(seconds=3)  # a pause as short as that; after a longer one the sweep comes by


@dataclass(frozen=True, slots=True)
class Way:
    """A provider that can be called, and until when a call may begin under a lease that is taken now."""

    state: ProviderState
    caller: Caller
    queues: Sequence[Queue]
    start_by: float  # on time.monotonic()

    @property
    def now(self) -> datetime:
        return self.state.now

    @property
    def pause(self) -> timedelta:
        """How long the provider is still paused."""
        return max((self.state.paused_until or self.now) - self.now, timedelta())

    @property
    def interval(self) -> timedelta | None:
        return pacing.interval_of(self.state, self.caller)

    def has_work(self) -> bool:
        is_due = any(queue.rows().due(self.now).exists() for queue in self.queues)
        return self.state.has_unknown_attempts_due or is_due

    def call(self, attempt: DeliveryAttempt, rows: Sequence[OutboundEmail | ContactChange]) -> Call:
        caller = get_contacts() if attempt.contact_change_id else self.caller
        return Call(attempt, rows, caller, self.start_by, Pace(self.state.rate))


def ways() -> Iterator[Way]:
    """The providers whose settings are complete."""
    start_by = time.monotonic() + settings.EMAIL_LEASE_SECONDS - settings.EMAIL_CALL_DEADLINE_SECONDS
    needed = {name for name in (configured_provider(), contacts_provider()) if name}
    for state in ProviderState.objects.with_rows_for(*needed):
        try:
            yield Way(state, get_caller(state.name), queues_of(state.name), start_by)
        except ImproperlyConfigured as error:
            if state.has_unknown_attempts_due:
                give_up_old_attempts(state)
            is_needed = state.name in needed or state.has_unknown_attempts_due
            if is_needed and not state.is_paused(state.now):
                breaker.pause_for_configuration(state, str(error))


def give_up_old_attempts(state: ProviderState) -> None:
    """Of a provider that cannot be called: unknown outcomes that could not be repeated any more if it could."""
    backend = PROVIDERS.get(state.name)
    started_before = state.now - repeatable_for(backend.key_lifetime if backend else None)
    old = DeliveryAttempt.objects.filter(provider=state.name, created_at__lt=started_before, contact_change=None)
    with transaction.atomic():
        for attempt in old.claim(limit=MOST_TO_GIVE_UP, now=state.now, lease=lease()):
            settlement.abandon(attempt, attempt.rows, Reason.OUTCOME_UNKNOWN, state.now)


def next_calls(room: int, *, idle: bool) -> tuple[list[Call], timedelta | None]:
    """Claim work for at most ``room`` calls; also returns when to look again where work waits for a slot.

    With ``idle``, where this process does nothing else, a row whose worker died before may be claimed, alone.
    """
    calls: list[Call] = []
    look_again: list[timedelta] = []
    for way in ways():
        interval = way.interval
        slots = pacing.slots_near(way.state, interval)
        if way.pause or slots == 0:
            wait = way.pause or pacing.until_near(way.state, interval)
            look_again += [wait] if wait < WAIT_OUT and way.has_work() else []
        elif not way.state.is_probing or breaker.take_probe(way.state):
            limit = 1 if way.state.is_probing else min(room - len(calls), slots or room)
            calls += paced(claim_calls(way, limit, idle=idle and not calls), way)
    return calls, min(look_again, default=None)


def paced(calls: Sequence[Call], way: Way) -> list[Call]:
    """The calls, each with its slot where the provider's are paced."""
    interval = way.interval
    if interval is None or not calls:
        return list(calls)
    slots = pacing.take_slots(way.state, interval, len(calls))
    return [replace(call, pace=replace(call.pace, slot=slot)) for call, slot in zip(calls, slots, strict=True)]


def with_new_slots(calls: Sequence[Call]) -> list[Call]:
    """Calls that missed their slots, with new ones; without those that may not be made now."""
    return [
        again
        for way in ways()
        if not way.pause
        for again in paced([call for call in calls if call.attempt.provider == way.state.name], way)
    ]


def claim_calls(way: Way, limit: int, *, idle: bool) -> list[Call]:
    calls = repeated_calls(way, limit) if way.state.has_unknown_attempts_due else []
    for queue in way.queues:
        if len(calls) < limit:
            calls += new_calls(way, queue, limit - len(calls))
    for queue in way.queues:
        if idle and not calls:
            calls = new_calls(way, queue, 1, isolated=True)
    return calls


def repeated_calls(way: Way, limit: int) -> list[Call]:
    """Attempts of unknown outcome that are due: the same bytes again, as long as that cannot mean a second mail."""
    of_provider = DeliveryAttempt.objects.filter(provider=way.state.name)
    while attempts := of_provider.claim(limit=limit, now=way.now, lease=lease()):
        calls = [way.call(attempt, attempt.rows) for attempt in attempts]
        if repeatable := [call for call in calls if is_to_be_repeated(call, way.now)]:
            return repeatable
    return []


def is_to_be_repeated(call: Call, now: datetime) -> bool:
    """Whether to make the call again; where not, the attempt ends here."""
    knows_keys = call.backend.key_lifetime is not None
    if not knows_keys and all(row.status != Status.SENDING for row in call.rows):
        settlement.accept_by_events(call.attempt, now)
    elif not may_repeat(call, now):
        settlement.abandon(call.attempt, call.rows, Reason.OUTCOME_UNKNOWN, now)
    else:
        return True
    return False


def may_repeat(call: Call, now: datetime) -> bool:
    lifetime = call.backend.key_lifetime
    kinds = {row.kind for row in call.rows if isinstance(row, OutboundEmail)}
    is_harmless = lifetime is not None or kinds.isdisjoint(settings.EMAIL_KINDS_NEVER_REPEATED)
    return is_harmless and now - call.attempt.created_at < repeatable_for(lifetime)


def repeatable_for(key_lifetime: timedelta | None) -> timedelta:
    return transitions.KEEP_TRYING_FOR if key_lifetime is None else key_lifetime - KEY_MARGIN


def new_calls(way: Way, queue: Queue, limit: int, *, isolated: bool = False) -> list[Call]:
    """Due rows in new attempts. What cannot be sent (expired, suppressed, unsupported) ends here."""
    waiting = queue.rows().filter(isolated=isolated)
    most = 1 if isolated or way.state.is_probing else queue.most_rows(limit)
    while rows := waiting.claim(limit=most, now=way.now, lease=lease(), status=Status.SENDING):
        failpoint("after-claim")
        if attempts := open_attempts(rows, queue, way.state.name, way.now, limit):
            return [way.call(attempt, carried) for attempt, carried in attempts]
    return []


@transaction.atomic
def recover_abandoned(now: datetime) -> None:
    """Take back what dead workers held, at once: rows in no attempt, and attempts that were under way."""
    for waiting in (OutboundEmail.objects.all(), ContactChange.objects.all()):
        for row in waiting.abandoned(now).select_for_update(skip_locked=True):
            settlement.record_crash_of_row(row, now)
    for attempt in DeliveryAttempt.objects.abandoned(now).select_for_update(skip_locked=True):
        settlement.record_crash_of_attempt(attempt, now)
