"""Claiming work: which calls may be made now, and taking back what dead workers held.

Repeats of unknown attempts come first, then new calls for due rows. A provider that is paused, or that has no slot
free soon, gets none. The terms:

- A *slot* is a moment at which one call may begin, handed out evenly within the provider's rate limit (pacing.py).
- A *probe* is the single call that tests whether a failing provider works again (breaker.py).
- A *sweep* is the run of the beat task that starts a drain every 15 seconds, in case a wake-up got lost.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from common.failpoints import failpoint
from emails.backends import configured_provider, contacts_provider, get_client, key_lifetime_of
from emails.backends.base import ProviderClient
from emails.delivery import breaker, pacing, settlement, transitions
from emails.delivery.calls import Call, Pace, lease, open_attempts
from emails.delivery.queues import OpenAttempt, Queue, queue_of, queues_for
from emails.models import ContactChange, DeliveryAttempt, OutboundEmail, ProviderState, Reason, Status

KEY_MARGIN = timedelta(hours=1)  # a repeat must reach the provider while it still remembers the key
MAX_TO_ABANDON = 500  # per run
MAX_PAUSE_TO_WAIT = timedelta(seconds=3)  # after a longer pause, the periodic sweep starts the next drain


class Claimed(NamedTuple):
    """Calls to make now, and when to claim again for work that waits for its provider."""

    calls: list[Call]
    retry_in: timedelta | None


@dataclass(frozen=True, slots=True)
class ReadyProvider:
    """A provider whose settings are complete, with its shared state and the queues that it serves."""

    state: ProviderState
    client: ProviderClient
    queues: Sequence[Queue]
    start_by: float  # on time.monotonic(): the latest start of a call that is claimed now

    @property
    def now(self) -> datetime:
        return self.state.now

    @property
    def paused_for(self) -> timedelta:
        """How long the provider is still paused."""
        return max((self.state.blocked_until or self.now) - self.now, timedelta())

    @property
    def interval(self) -> timedelta | None:
        return pacing.interval_of(self.state, self.client)

    def has_work(self) -> bool:
        """Return whether anything is due. Costs a query per queue."""
        is_due = any(queue.rows().due(self.now).exists() for queue in self.queues)
        return self.state.has_unknown_attempts_due or is_due

    def call(self, opened: OpenAttempt, queue: Queue) -> Call:
        """Return the call of an attempt that was claimed or opened just before."""
        return Call(opened.attempt, opened.rows, queue, self.start_by, Pace(self.state.rate))


def ready_providers() -> Iterator[ReadyProvider]:
    """Yield the providers whose settings are complete. One whose settings are needed and missing is paused."""
    # A call may take as long as its deadline, and it must end before its lease does.
    start_by = time.monotonic() + settings.EMAIL_LEASE_SECONDS - settings.EMAIL_CALL_DEADLINE_SECONDS
    needed = {name for name in (configured_provider(), contacts_provider()) if name}
    # The row of contacts exists only after a change was due (recover_stalled), because most projects have none.
    states = {state.name: state for state in ProviderState.objects.with_rows_for(configured_provider())}
    for state in states.values():
        try:
            client = get_client(state.name)
            state.paced_by = states.get(client.paced_with)
            yield ReadyProvider(state, client, queues_for(state.name), start_by)
        except ImproperlyConfigured as error:
            if state.has_unknown_attempts_due:
                abandon_old_attempts(state)
            # An unused provider may lack its settings, unless it still has calls to repeat.
            is_needed = state.name in needed or state.has_unknown_attempts_due
            if is_needed and not state.is_paused(state.now):
                breaker.pause_for_configuration(state, str(error))


def abandon_old_attempts(state: ProviderState) -> None:
    """Abandon unknown attempts of a provider without settings, once they would be too old to be repeated anyway."""
    started_before = state.now - repeatable_for(key_lifetime_of(state.name))
    old = DeliveryAttempt.objects.with_emails().filter(provider=state.name, created_at__lt=started_before)
    with transaction.atomic():
        for attempt in old.claim(limit=MAX_TO_ABANDON, now=state.now, lease=lease()):
            settlement.abandon(attempt, attempt.rows, Reason.OUTCOME_UNKNOWN, state.now)


def next_calls(room: int, *, idle: bool) -> Claimed:
    """Claim work for at most ``room`` calls.

    With ``idle`` (this process has nothing else to do), a row whose worker died may be claimed, alone: if it kills
    this worker too, nothing else is lost.
    """
    calls: list[Call] = []
    waits: list[timedelta] = []
    for ready in ready_providers():
        slots = pacing.slots_near(ready.state, ready.interval)
        wait = ready.paused_for or slots.opens_in
        if wait:
            # This drain stays only for a short wait. After a longer one, the beat task that runs every 15 seconds
            # starts another drain soon enough.
            if wait < MAX_PAUSE_TO_WAIT and ready.has_work():
                waits.append(wait)
        elif not ready.state.is_probing or breaker.take_probe(ready.state):
            # A probe is a single call, so that few messages are affected if the provider still fails.
            limit = 1 if ready.state.is_probing else min(room - len(calls), slots.free or room)
            calls += with_slots(claim_calls(ready, limit, idle=idle and not calls), ready)
    return Claimed(calls, min(waits, default=None))


def with_slots(calls: Sequence[Call], ready: ReadyProvider) -> list[Call]:
    """Return the calls. If the provider has a rate limit, each comes with a slot, the moment at which it may begin."""
    interval = ready.interval
    if interval is None or not calls:
        return list(calls)
    slots = pacing.take_slots(ready.state, interval, len(calls))
    return [replace(call, pace=replace(call.pace, slot=slot)) for call, slot in zip(calls, slots, strict=True)]


def with_new_slots(calls: Sequence[Call]) -> list[Call]:
    """Return calls that missed their slots with new ones, except those whose provider is paused."""
    return [
        rescheduled
        for ready in ready_providers()
        if not ready.paused_for
        for rescheduled in with_slots([call for call in calls if call.attempt.provider == ready.state.name], ready)
    ]


def claim_calls(ready: ReadyProvider, limit: int, *, idle: bool) -> list[Call]:
    """Claim repeats and new calls of one provider."""
    calls = repeated_calls(ready, limit) if ready.state.has_unknown_attempts_due else []
    for queue in ready.queues:
        if len(calls) < limit:
            calls += new_calls(ready, queue, limit - len(calls))
    # Rows that may kill this worker come last, when no other call could be lost with it.
    for queue in ready.queues:
        if idle and not calls:
            calls = new_calls(ready, queue, 1, isolated=True)
    return calls


def repeated_calls(ready: ReadyProvider, limit: int) -> list[Call]:
    """Claim unknown attempts that are due, to repeat their calls byte for byte.

    An attempt that must not be repeated ends here. If that happens to all that were claimed, more are claimed.
    """
    of_provider = DeliveryAttempt.objects.filter(provider=ready.state.name)
    if ready.state.name != contacts_provider():
        of_provider = of_provider.with_emails()
    while attempts := of_provider.claim(limit=limit, now=ready.now, lease=lease()):
        calls = [ready.call(OpenAttempt(attempt, attempt.rows), queue_of(attempt)) for attempt in attempts]
        if repeatable := [call for call in calls if repeat_or_settle(call, ready.now)]:
            return repeatable
    return []


def repeat_or_settle(call: Call, now: datetime) -> bool:
    """Settle an unknown attempt if it must not be repeated; return whether to repeat it."""
    ignores_keys = call.client.key_lifetime is None
    if ignores_keys and all(row.status != Status.SENDING for row in call.rows):
        # Events have moved every row on, so the provider did accept the call.
        settlement.accept_by_events(call.attempt, now)
    elif not may_repeat(call, now):
        settlement.abandon(call.attempt, call.rows, Reason.OUTCOME_UNKNOWN, now)
    else:
        return True
    return False


def may_repeat(call: Call, now: datetime) -> bool:
    """Return whether the call is young enough, and a second copy would be prevented by its key or be harmless."""
    lifetime = call.client.key_lifetime
    is_harmless = lifetime is not None or all(row.allows_second_copy for row in call.rows)
    has_limit = any(row.has_retry_limit for row in call.rows)
    return is_harmless and (not has_limit or now - call.attempt.created_at < repeatable_for(lifetime))


def repeatable_for(key_lifetime: timedelta | None) -> timedelta:
    return transitions.RETRY_FOR if key_lifetime is None else key_lifetime - KEY_MARGIN


def new_calls(ready: ReadyProvider, queue: Queue, limit: int, *, isolated: bool = False) -> list[Call]:
    """Claim due rows and open attempts for them. If every claimed row ends without a call, more are claimed."""
    waiting = queue.rows().filter(isolated=isolated)
    max_rows = 1 if isolated or ready.state.is_probing else queue.max_rows(limit)
    while rows := waiting.claim(limit=max_rows, now=ready.now, lease=lease(), status=Status.SENDING):
        failpoint("after-claim")
        if attempts := open_attempts(rows, queue, ready.now, max_calls=limit):
            return [ready.call(opened, queue) for opened in attempts]
    return []


@transaction.atomic
def recover_stalled(now: datetime) -> None:
    """Take back what dead workers held: rows without an attempt, and attempts that were under way."""
    # SKIP LOCKED, because another worker may be doing the same with the same rows.
    for waiting in (OutboundEmail.objects.all(), ContactChange.objects.all()):
        for row in waiting.stalled(now).select_for_update(skip_locked=True):
            settlement.record_crash_of_row(row, now)
    for attempt in DeliveryAttempt.objects.stalled(now).select_for_update(skip_locked=True):
        settlement.record_crash_of_attempt(attempt, now)
    bring_contact_changes_to(contacts_provider(), now)


def bring_contact_changes_to(provider: str, now: datetime) -> None:
    """Let the configured provider make the changes that wait, even if a former one was called for them."""
    if not provider:
        return
    attempts = DeliveryAttempt.objects.exclude(contact_change=None).exclude(provider=provider)
    for attempt in attempts.due(now).select_for_update(skip_locked=True):
        settlement.leave_to_next_provider(attempt, now)
    if ContactChange.objects.due(now).exists():
        ProviderState.objects.bulk_create([ProviderState(name=provider)], ignore_conflicts=True)
