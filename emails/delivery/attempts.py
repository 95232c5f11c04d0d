"""Claimed rows become attempts, written before their calls; what cannot be sent ends, the rest is given back."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from emails.backends.base import Request
from emails.delivery import transitions
from emails.delivery.preparation import Ending, Part
from emails.delivery.queues import Queue
from emails.errors import LeaseLost
from emails.models import AttemptedEmail, DeliveryAttempt, Status, Work

logger = logging.getLogger(__name__)

Attempt = tuple[DeliveryAttempt, Sequence[Any]]  # with the rows that it carries, in its order


def lease() -> timedelta:
    return timedelta(seconds=settings.EMAIL_LEASE_SECONDS)


def open_attempts(rows: Sequence[Work], queue: Queue, provider: str, now: datetime, limit: int) -> list[Attempt]:
    """New attempts for rows that were claimed together, at most ``limit``."""
    endings: list[tuple[Work, Ending]] = []

    def parts() -> Iterator[Part]:
        for row, result in queue.prepared(rows, now):
            if isinstance(result, Part):
                yield result
            else:
                endings.append((row, result))

    attempts = [
        (open_attempt(request, provider, now), carried) for carried, request in islice(queue.requests(parts()), limit)
    ]
    try:
        with transaction.atomic():
            end_or_give_back(rows, endings, attempts, now)
            if queue.carries_contacts:
                store_contacts(attempts, provider)
            else:
                store_mail(attempts, provider)
    except LeaseLost:
        logger.warning("A lease ran out while %d rows were prepared; another worker takes them.", len(rows))
        return []
    return attempts


def open_attempt(request: Request, provider: str, now: datetime) -> DeliveryAttempt:
    return DeliveryAttempt(
        provider=provider,
        endpoint=request.endpoint,
        body=request.body,
        created_at=now,
        due_at=now + lease(),
        lease_token=uuid4(),
    )


def end_or_give_back(
    rows: Sequence[Work], endings: Sequence[tuple[Work, Ending]], attempts: Sequence[Attempt], now: datetime
) -> None:
    used = {row.pk for row, _ in endings} | {row.pk for _, carried in attempts for row in carried}
    for row, ending in endings:
        hand_over([row])
        transitions.end_without_call(row, ending, now)
    if unused := [row for row in rows if row.pk not in used]:
        held_by_us(unused).update(status=Status.QUEUED, lease_token=None, due_at=now)


def store_mail(attempts: Sequence[Attempt], provider: str) -> None:
    """From here on the attempts hold their rows."""
    if not attempts:
        return
    hand_over([email for _, emails in attempts for email in emails], provider=provider)
    DeliveryAttempt.objects.bulk_create([attempt for attempt, _ in attempts])
    AttemptedEmail.objects.bulk_create(
        AttemptedEmail(attempt_id=attempt.pk, email_id=email.pk, position=position)
        for attempt, emails in attempts
        for position, email in enumerate(emails)
    )


def store_contacts(attempts: Sequence[Attempt], provider: str) -> None:
    for attempt, [change] in attempts:
        hand_over([change], provider=provider)
        attempt.contact_change = change
        attempt.save(force_insert=True)


def hand_over(rows: Sequence[Work], **changes: object) -> None:
    """Give up the lease of rows that were claimed together. Raises ``LeaseLost`` when one of them is not ours now,
    or was moved by an event."""
    if held_by_us(rows).update(lease_token=None, due_at=None, **changes) < len(rows):
        raise LeaseLost


def held_by_us(rows: Sequence[Work]) -> Any:
    """A query over these rows, as long as they are held by the lease under which they were claimed together."""
    keys = [row.pk for row in rows]
    return type(rows[0])._default_manager.filter(pk__in=keys, lease_token=rows[0].lease_token, status=Status.SENDING)
