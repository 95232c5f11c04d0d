"""Claiming work: which calls may be made now, and taking back what dead workers held.

The most urgent work comes first. Within a priority, repeats of unknown attempts precede new calls for due rows. A call
carries rows of one priority only. A provider that is paused, or that has no slot free soon, gets none. The terms:

- A *slot* is a moment at which one call may begin, handed out evenly within the provider's rate limit (pacing.py).
- A *probe* is the single call that tests whether a failing provider works again (breaker.py).
- A *sweep* is the run of the beat task that starts a drain every 15 seconds, in case a wake-up got lost.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from common.db import index_walks
from common.failpoints import failpoint
from emails.backends import configured_provider, contacts_provider, fallback_provider, get_client, key_lifetime_of
from emails.backends.base import ProviderClient
from emails.delivery import breaker, failover, pacing, settlement, transitions
from emails.delivery.calls import Call, Pace, open_attempts
from emails.delivery.queues import OpenAttempt, Queue, queue_of, queues_for
from emails.models import ContactChange, DeliveryAttempt, OutboundEmail, Priority, ProviderState, Reason, Status
from emails.models.work import RowT, WorkQuerySet

KEY_MARGIN = timedelta(hours=1)  # a repeat must reach the provider while it still remembers the key
MAX_TO_ABANDON = 500  # per run
MAX_TO_RECOVER = 500  # per transaction
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
        with index_walks():
            is_due = any(queue.rows().due(self.now).exists() for queue in self.queues)
        return self.state.has_unknown_attempts_due or is_due

    def call(self, opened: OpenAttempt, queue: Queue) -> Call:
        """Return the call of an attempt that was claimed or opened just before."""
        return Call(opened.attempt, opened.rows, queue, self.start_by, Pace(self.state.rate))


def ready_providers() -> Iterator[ReadyProvider]:
    """Yield the providers whose settings are complete. One whose settings are needed and missing is paused."""
    # A call may take as long as its deadline, and it must end before its lease does.
    start_by = time.monotonic() + settings.EMAIL_LEASE_SECONDS - settings.EMAIL_CALL_DEADLINE_SECONDS
    emails = {name for name in (configured_provider(), fallback_provider()) if name}
    needed = {*emails, contacts_provider()}
    # The row of contacts exists only after a change was due (recover_stalled), because most projects have none.
    states = ProviderState.objects.with_rows_for(*emails)
    for state in states:
        breaker.end_outdated_pause(state)
    carriers = failover.carriers(states)
    by_name = {state.name: state for state in states}
    # The first provider comes first, so that its probe gets an email before the fallback provider takes all.
    for state in sorted(states, key=lambda state: state.name != configured_provider()):
        try:
            client = get_client(state.name)
            state.paced_by = by_name.get(client.paced_with)
            yield ReadyProvider(state, client, queues_for(state.name, carriers), start_by)
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
        for attempt in old.claim(limit=MAX_TO_ABANDON, now=state.now, lease=transitions.lease()):
            settlement.abandon(attempt, attempt.rows, Reason.OUTCOME_UNKNOWN, state.now)


def next_calls(room: int, *, idle: bool, displaceable: Sequence[Call] = (), only: Priority | None = None) -> Claimed:
    """Claim work for at most ``room`` calls, the most urgent first.

    With ``idle`` (this process has nothing else to do), a row whose worker died may be claimed, alone: if it kills
    this worker too, nothing else is lost. With ``only``, nothing but work of this priority is claimed. It may then also
    have the slots of the ``displaceable`` calls, which are less urgent.
    """
    calls: list[Call] = []
    waits: list[timedelta] = []
    for ready, priorities in turns([*ready_providers()], tuple(Priority) if only is None else (only,)):
        slots = pacing.slots_near(ready.state, ready.interval)
        spare = sum(call.attempt.provider == ready.state.name for call in displaceable)
        wait = ready.paused_for or (timedelta() if spare else slots.opens_in)
        if wait:
            # This drain stays only for a short wait. After a longer one, the beat task that runs every 15 seconds
            # starts another drain soon enough.
            if wait < MAX_PAUSE_TO_WAIT and ready.has_work():
                waits.append(wait)
        # Without work, a probe would only use up the time until the next one.
        elif not ready.state.is_probing or (ready.has_work() and breaker.take_probe(ready.state)):
            # A probe is a single call, so that few messages are affected if the provider still fails.
            free = room if slots.free is None else slots.free + spare
            limit = 1 if ready.state.is_probing else min(room - len(calls), free)
            calls += with_slots(claim_calls(ready, limit, priorities, idle=idle and not calls), ready)
            if idle and any(row.isolated for call in calls for row in call.rows):
                break
    return Claimed(calls, min(waits, default=None))


def turns(
    providers: Sequence[ReadyProvider], priorities: Sequence[Priority]
) -> Iterator[tuple[ReadyProvider, Sequence[Priority]]]:
    """Yield each provider and the priorities to claim for it. Contact changes come between normal and bulk emails."""
    contacts = [ready for ready in providers if ready.state.name == contacts_provider()]
    if not contacts:
        yield from ((ready, priorities) for ready in providers)
        return
    of_emails = [ready for ready in providers if ready not in contacts]
    yield from ((ready, [priority for priority in priorities if priority != Priority.BULK]) for ready in of_emails)
    yield from ((ready, priorities) for ready in contacts)
    if Priority.BULK in priorities:
        yield from ((ready, [Priority.BULK]) for ready in of_emails)


def with_slots(calls: Sequence[Call], ready: ReadyProvider) -> list[Call]:
    """Return the calls. If the provider has a rate limit, each comes with a slot, the moment at which it may begin."""
    interval = ready.interval
    if interval is None or not calls:
        return list(calls)
    slots = pacing.take_slots(ready.state, interval, len(calls))
    return [call.at(slot) for call, slot in zip(calls, slots, strict=True)]


def with_new_slots(calls: Sequence[Call]) -> list[Call]:
    """Return calls that missed their slots with new ones, except those whose provider is paused."""
    return [
        rescheduled
        for ready in ready_providers()
        if not ready.paused_for
        for rescheduled in with_slots([call for call in calls if call.attempt.provider == ready.state.name], ready)
    ]


def claim_calls(ready: ReadyProvider, limit: int, priorities: Sequence[Priority], *, idle: bool) -> list[Call]:
    """Claim repeats and new calls of one provider that have one of these priorities, the most urgent first."""
    if ready.state.failed_over_at is not None:
        return failover_probe(ready, idle=idle)
    calls: list[Call] = []
    due = {queue: queue.due() for queue in ready.queues}
    for priority in Priority:
        is_wanted = priority in priorities
        if is_wanted:
            calls += repeated_calls(ready, priority, limit - len(calls))
        for queue in ready.queues:
            if is_wanted and priority in due[queue].together:
                calls += new_calls(ready, queue, priority, limit - len(calls))
        for queue in ready.queues:
            if priority not in due[queue].alone:
                continue
            # A row that may kill this worker is claimed when no other call could be lost with it. Until then, nothing
            # less urgent is claimed, so that the calls in progress come to an end.
            if not is_wanted or not idle or calls:
                return calls
            if alone := new_calls(ready, queue, priority, 1, isolated=True):
                return alone
    return calls


def failover_probe(ready: ReadyProvider, *, idle: bool) -> list[Call]:
    """Claim the call that probes the first provider while another one stands in for it.

    It carries the least urgent email, which waits for this provider if the outcome is unknown. The repeat of an unknown
    call is the last choice, because it may be refused although new emails are accepted.
    """
    for isolated in (False, True) if idle else (False,):
        for priority, queue in product(reversed(Priority), ready.queues):
            if calls := new_calls(ready, queue, priority, 1, isolated=isolated):
                return calls
    for priority in Priority:
        if calls := repeated_calls(ready, priority, 1):
            return calls
    return []


def repeated_calls(ready: ReadyProvider, priority: Priority, limit: int) -> list[Call]:
    """Claim unknown attempts that are due, to repeat their calls byte for byte.

    An attempt that must not be repeated ends here. If that happens to all that were claimed, more are claimed.
    """
    if not ready.state.has_unknown_attempts_due or limit <= 0:
        return []
    of_provider = DeliveryAttempt.objects.filter(provider=ready.state.name)
    if ready.state.name != contacts_provider():
        of_provider = of_provider.with_emails()
    lease, only = transitions.lease(), {"priority": priority}
    while attempts := of_provider.claim(limit=limit, now=ready.now, lease=lease, only=only):
        with index_walks():
            calls = [ready.call(OpenAttempt(attempt, attempt.rows), queue_of(attempt)) for attempt in attempts]
            repeatable = [call for call in calls if repeat_or_settle(call, ready.now)]
        if repeatable:
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


def new_calls(
    ready: ReadyProvider, queue: Queue, priority: Priority, limit: int, *, isolated: bool = False
) -> list[Call]:
    """Claim due rows and open attempts for them. If every claimed row ends without a call, more are claimed."""
    if limit <= 0:
        return []
    max_rows = 1 if isolated or ready.state.is_probing else queue.max_rows(limit)
    while rows := queue.claim(priority, max_rows, ready.now, isolated=isolated):
        failpoint("after-claim")
        if attempts := open_attempts(rows, queue, ready.now, max_calls=limit):
            return [ready.call(opened, queue) for opened in attempts]
    return []


def recover_stalled(now: datetime) -> bool:
    """Take back what dead workers held: rows without an attempt, and attempts that were under way.

    Returns whether more may be left, because each transaction stays short.
    """
    work: Sequence[tuple[WorkQuerySet[Any], Callable[[Any, datetime], None]]] = [
        (OutboundEmail.objects.all(), settlement.record_crash_of_row),
        (ContactChange.objects.all(), settlement.record_crash_of_row),
        (DeliveryAttempt.objects.all(), settlement.record_crash_of_attempt),
    ]
    is_more_left = [recover(rows, record_crash, now) for rows, record_crash in work]  # each of them, not only the first
    return any([*is_more_left, bring_contact_changes_to(contacts_provider(), now)])


def recover(rows: WorkQuerySet[RowT], record_crash: Callable[[RowT, datetime], None], now: datetime) -> bool:
    with index_walks():
        # SKIP LOCKED, because another worker may be doing the same with the same rows.
        stalled = rows.stalled(now).order_by("due_at").select_for_update(skip_locked=True)[:MAX_TO_RECOVER]
        crashed = list(stalled)
        for row in crashed:
            record_crash(row, now)
    return len(crashed) == MAX_TO_RECOVER


@index_walks()
def bring_contact_changes_to(provider: str, now: datetime) -> bool:
    """Let the configured provider make the changes that wait, even if a former one was called for them.

    Returns whether more may be left.
    """
    if not provider:
        return False
    others = DeliveryAttempt.objects.exclude(contact_change=None).exclude(provider=provider)
    attempts = list(others.due(now).select_for_update(of=["self"], skip_locked=True)[:MAX_TO_RECOVER])
    for attempt in attempts:
        settlement.leave_to_next_provider(attempt, now)
    if ContactChange.objects.due(now).exists():
        ProviderState.objects.bulk_create([ProviderState(name=provider)], ignore_conflicts=True)
    return len(attempts) == MAX_TO_RECOVER
