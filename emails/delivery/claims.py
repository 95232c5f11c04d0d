"""Which calls may be made now: attempts to repeat first, then new ones for due rows."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from emails.backends import configured_provider, get_backend
from emails.backends.base import DeliveryBackend, Request
from emails.delivery import breaker, outcomes
from emails.delivery.calls import Call
from emails.delivery.preparing import Ending, prepare
from emails.errors import LeaseLost
from emails.failpoints import failpoint
from emails.models import AttemptedEmail, DeliveryAttempt, OutboundEmail, ProviderState, Reason, Status
from emails.suppressions import suppressed_among

logger = logging.getLogger(__name__)

KEY_MARGIN = timedelta(hours=1)  # a repeat must reach the provider while it still knows the key


def lease() -> timedelta:
    return timedelta(seconds=settings.EMAIL_LEASE_SECONDS)


def next_calls(room: int, *, idle: bool) -> list[Call]:
    """Claim work for at most ``room`` calls.

    With ``idle``, where this process does nothing else, a row whose worker died before may be claimed, alone.
    """
    start_by = time.monotonic() + settings.EMAIL_LEASE_SECONDS - settings.EMAIL_CALL_DEADLINE_SECONDS
    provider = configured_provider()
    calls: list[Call] = []
    for state in ProviderState.objects.with_row_for(provider):
        now = state.now
        backend = callable_backend(state)
        if backend is None:
            continue
        limit = 1 if state.is_probing else room - len(calls)
        found = repeated_calls(backend, limit, now, start_by) if state.has_unknown_attempts_due else []
        if state.name == provider and len(found) < limit:
            found += new_calls(backend, limit - len(found), now, start_by)
            if idle and not found and not calls:
                found = new_calls(backend, 1, now, start_by, isolated=True)
        calls += found
    return calls


def callable_backend(state: ProviderState) -> DeliveryBackend | None:
    """The provider's backend when it may be called now: not paused, its probe ours to make, its settings complete."""
    if state.is_paused(state.now) or (state.is_probing and not breaker.take_probe(state)):
        return None
    try:
        return get_backend(state.name)
    except ImproperlyConfigured as error:
        if state.name == configured_provider() or state.has_unknown_attempts_due:
            breaker.pause_for_configuration(state, str(error))
        return None


def repeated_calls(backend: DeliveryBackend, limit: int, now: datetime, start_by: float) -> list[Call]:
    """Attempts of unknown outcome that are due: the same bytes again, as long as that cannot mean a second mail."""
    of_provider = DeliveryAttempt.objects.filter(provider=backend.name)
    while attempts := of_provider.claim(limit=limit, now=now, lease=lease()):
        calls = [Call(attempt, attempt_emails(attempt), backend, start_by) for attempt in attempts]
        repeatable = [call for call in calls if may_repeat(call, now)]
        for call in calls:
            if call not in repeatable:
                outcomes.abandon(call.attempt, call.emails, Reason.OUTCOME_UNKNOWN, now)
        if repeatable:
            return repeatable
    return []


def attempt_emails(attempt: DeliveryAttempt) -> list[OutboundEmail]:
    return list(attempt.emails.order_by("attemptedemail__position"))


def may_repeat(call: Call, now: datetime) -> bool:
    age = now - call.attempt.created_at
    if call.backend.key_lifetime is not None:
        return age < call.backend.key_lifetime - KEY_MARGIN
    may_duplicate = all(email.kind not in settings.EMAIL_KINDS_NEVER_REPEATED for email in call.emails)
    return may_duplicate and age < outcomes.KEEP_TRYING_FOR


def new_calls(
    backend: DeliveryBackend, limit: int, now: datetime, start_by: float, *, isolated: bool = False
) -> list[Call]:
    """Due rows, each in a new attempt. What cannot be sent (expired, suppressed, unsupported) ends here."""
    due = OutboundEmail.objects.filter(isolated=isolated)
    while rows := due.claim(limit=limit, now=now, lease=lease(), status=Status.SENDING):
        failpoint("after-claim")
        if calls := open_attempts(rows, backend, now, start_by):
            return calls
    return []


def open_attempts(
    rows: Sequence[OutboundEmail], backend: DeliveryBackend, now: datetime, start_by: float
) -> list[Call]:
    suppressed = suppressed_among(address for row in rows for address in row.recipients.split())
    prepared = [(row, prepare(row, backend, suppressed, now)) for row in rows]
    calls = [
        Call(new_attempt(backend, result, now), [row], backend, start_by)
        for row, result in prepared
        if isinstance(result, Request)
    ]
    try:
        with transaction.atomic():
            for row, result in prepared:
                if isinstance(result, Ending):
                    hand_over([row])
                    outcomes.end_without_call(row, result, now)
            if calls:
                store(calls, backend.name)
    except LeaseLost:
        logger.warning("A lease ran out while %d messages were prepared; another worker takes them.", len(rows))
        return []
    return calls


def hand_over(rows: Sequence[OutboundEmail], **changes: object) -> None:
    """Give up the lease of rows that were claimed together. Raises ``LeaseLost`` when one of them is not ours now."""
    held = OutboundEmail.objects.filter(pk__in=[row.pk for row in rows], lease_token=rows[0].lease_token)
    if held.update(lease_token=None, due_at=None, **changes) < len(rows):
        raise LeaseLost


def new_attempt(backend: DeliveryBackend, request: Request, now: datetime) -> DeliveryAttempt:
    return DeliveryAttempt(
        provider=backend.name,
        endpoint=request.endpoint,
        body=request.body,
        created_at=now,
        due_at=now + lease(),
        lease_token=uuid4(),
    )


def store(calls: Sequence[Call], provider: str) -> None:
    """Write the attempts before their calls. From here on the attempt holds its rows."""
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
