"""Which calls may be made now: attempts to repeat first, then new ones for due rows."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from emails.backends import configured_provider, get_backend
from emails.backends.base import DeliveryBackend
from emails.delivery import breaker, outcomes, pacing
from emails.delivery.calls import Call, Pace
from emails.delivery.preparing import Ending, Part, batches, prepare
from emails.errors import LeaseLost
from emails.failpoints import failpoint
from emails.models import AttemptedEmail, DeliveryAttempt, OutboundEmail, ProviderState, Reason, Status
from emails.suppressions import suppressed_among

logger = logging.getLogger(__name__)

KEY_MARGIN = timedelta(hours=1)  # a repeat must reach the provider while it still knows the key
WAIT_OUT = timedelta(seconds=3)  # a pause as short as that; after a longer one the sweep comes by
MOST_ROWS = 500  # to claim at once: the calls of the first begin while the next are built


def lease() -> timedelta:
    return timedelta(seconds=settings.EMAIL_LEASE_SECONDS)


@dataclass(frozen=True, slots=True)
class Way:
    """A provider that can be called, and until when a call may begin under a lease that is taken now."""

    state: ProviderState
    backend: DeliveryBackend
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
        return pacing.interval_of(self.state, self.backend)

    def call(self, attempt: DeliveryAttempt, emails: Sequence[OutboundEmail]) -> Call:
        return Call(attempt, emails, self.backend, self.start_by, Pace(self.state.rate))


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
            look_again += [wait] if wait < WAIT_OUT and has_work(way) else []
        elif not way.state.is_probing or breaker.take_probe(way.state):
            limit = 1 if way.state.is_probing else min(room - len(calls), slots or room)
            calls += paced(claim_calls(way, limit, idle=idle and not calls), way)
    return calls, min(look_again, default=None)


def ways() -> Iterator[Way]:
    """The providers whose settings are complete."""
    start_by = time.monotonic() + settings.EMAIL_LEASE_SECONDS - settings.EMAIL_CALL_DEADLINE_SECONDS
    for state in ProviderState.objects.with_row_for(configured_provider()):
        try:
            yield Way(state, get_backend(state.name), start_by)
        except ImproperlyConfigured as error:
            is_needed = state.name == configured_provider() or state.has_unknown_attempts_due
            if is_needed and not state.is_paused(state.now):
                breaker.pause_for_configuration(state, str(error))


def has_work(way: Way) -> bool:
    is_current = way.state.name == configured_provider()
    return way.state.has_unknown_attempts_due or (is_current and OutboundEmail.objects.due(way.now).exists())


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
        for again in paced([call for call in calls if call.backend.name == way.backend.name], way)
    ]


def claim_calls(way: Way, limit: int, *, idle: bool) -> list[Call]:
    calls = repeated_calls(way, limit) if way.state.has_unknown_attempts_due else []
    if way.state.name == configured_provider() and len(calls) < limit:
        calls += new_calls(way, limit - len(calls))
        if idle and not calls:
            calls = new_calls(way, 1, isolated=True)
    return calls


def repeated_calls(way: Way, limit: int) -> list[Call]:
    """Attempts of unknown outcome that are due: the same bytes again, as long as that cannot mean a second mail."""
    of_provider = DeliveryAttempt.objects.filter(provider=way.backend.name)
    while attempts := of_provider.claim(limit=limit, now=way.now, lease=lease()):
        calls = [way.call(attempt, attempt_emails(attempt)) for attempt in attempts]
        if repeatable := [call for call in calls if is_to_be_repeated(call, way.now)]:
            return repeatable
    return []


def attempt_emails(attempt: DeliveryAttempt) -> list[OutboundEmail]:
    return list(attempt.emails.order_by("attemptedemail__position"))


def is_to_be_repeated(call: Call, now: datetime) -> bool:
    """Whether to make the call again; where not, the attempt ends here."""
    knows_keys = call.backend.key_lifetime is not None
    if not knows_keys and all(email.status != Status.SENDING for email in call.emails):
        outcomes.accept_by_events(call.attempt, now)
    elif not may_repeat(call, now):
        outcomes.abandon(call.attempt, call.emails, Reason.OUTCOME_UNKNOWN, now)
    else:
        return True
    return False


def may_repeat(call: Call, now: datetime) -> bool:
    age = now - call.attempt.created_at
    if call.backend.key_lifetime is not None:
        return age < call.backend.key_lifetime - KEY_MARGIN
    may_duplicate = all(email.kind not in settings.EMAIL_KINDS_NEVER_REPEATED for email in call.emails)
    return may_duplicate and age < outcomes.KEEP_TRYING_FOR


def new_calls(way: Way, limit: int, *, isolated: bool = False) -> list[Call]:
    """Due rows in new attempts. What cannot be sent (expired, suppressed, unsupported) ends here."""
    due = OutboundEmail.objects.filter(isolated=isolated)
    one_by_one = isolated or way.state.is_probing
    most = 1 if one_by_one else min(limit * way.backend.batch_limit, MOST_ROWS)
    while rows := due.claim(limit=most, now=way.now, lease=lease(), status=Status.SENDING):
        failpoint("after-claim")
        if calls := open_attempts(rows, way, limit):
            return calls
    return []


def open_attempts(rows: Sequence[OutboundEmail], way: Way, limit: int) -> list[Call]:
    """New attempts for claimed rows, at most ``limit``; rows for which there is no room are given back."""
    suppressed = suppressed_among(address for row in rows for address in row.recipients.split())
    endings: list[tuple[OutboundEmail, Ending]] = []

    def parts() -> Iterator[Part]:
        for row in rows:
            result = prepare(row, way.backend, suppressed, way.now)
            if isinstance(result, Part):
                yield result
            else:
                endings.append((row, result))

    calls = [open_attempt(batch, way) for batch in islice(batches(parts(), way.backend), limit)]
    used = {row.pk for row, _ in endings} | {row.pk for call in calls for row in call.emails}
    try:
        with transaction.atomic():
            for row, ending in endings:
                hand_over([row])
                outcomes.end_without_call(row, ending, way.now)
            give_back([row for row in rows if row.pk not in used], way.now)
            store(calls, way.backend.name)
    except LeaseLost:
        logger.warning("A lease ran out while %d messages were prepared; another worker takes them.", len(rows))
        return []
    return calls


def open_attempt(batch: Sequence[Part], way: Way) -> Call:
    request = way.backend.request([part.body for part in batch])
    attempt = DeliveryAttempt(
        provider=way.backend.name,
        endpoint=request.endpoint,
        body=request.body,
        created_at=way.now,
        due_at=way.now + lease(),
        lease_token=uuid4(),
    )
    return way.call(attempt, [part.row for part in batch])


def hand_over(rows: Sequence[OutboundEmail], **changes: object) -> None:
    """Give up the lease of rows that were claimed together. Raises ``LeaseLost`` when one of them is not ours now,
    or was moved by an event."""
    keys = [row.pk for row in rows]
    held = OutboundEmail.objects.filter(pk__in=keys, lease_token=rows[0].lease_token, status=Status.SENDING)
    if held.update(lease_token=None, due_at=None, **changes) < len(rows):
        raise LeaseLost


def give_back(rows: Sequence[OutboundEmail], now: datetime) -> None:
    if rows:
        held = OutboundEmail.objects.filter(pk__in=[row.pk for row in rows], lease_token=rows[0].lease_token)
        held.update(status=Status.QUEUED, lease_token=None, due_at=now)


def store(calls: Sequence[Call], provider: str) -> None:
    """Write the attempts before their calls. From here on the attempt holds its rows."""
    if not calls:
        return
    hand_over([email for call in calls for email in call.emails], provider=provider)
    DeliveryAttempt.objects.bulk_create([call.attempt for call in calls])
    AttemptedEmail.objects.bulk_create(
        AttemptedEmail(attempt_id=call.attempt.pk, email_id=email.pk, position=position)
        for call in calls
        for position, email in enumerate(call.emails)
    )


@transaction.atomic
def recover_abandoned(now: datetime) -> None:
    """Take back what dead workers held, at once: rows in no attempt, and attempts that were under way."""
    for row in OutboundEmail.objects.abandoned(now).select_for_update(skip_locked=True):
        outcomes.record_crash_of_row(row, now)
    for attempt in DeliveryAttempt.objects.abandoned(now).select_for_update(skip_locked=True):
        outcomes.record_crash_of_attempt(attempt, now)
