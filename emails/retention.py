"""Deletes old emails: bodies after EMAIL_RETENTION_DAYS, and rows with an idempotency key after at least 90 days."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from common.db import database_now
from emails import privacy
from emails.models import ContactChange, DeliveryAttempt, DeliveryEvent, OutboundEmail

logger = logging.getLogger(__name__)

KEEP_KEYS_FOR = timedelta(days=90)
UNLINKED_LIFE = timedelta(days=3)  # a call can be repeated for two days, and its events are linked afterward
BATCH_SIZE = 5000  # deleting that many takes about 20 ms


def purge() -> tuple[int, int]:
    """Blank the bodies and delete the rows that are too old. Return how many of each. Safe to repeat.

    A row with an idempotency key outlives its body, so that the same receipt isn't sent again next month.
    """
    now = database_now()
    bodies_end = now - timedelta(days=settings.EMAIL_RETENTION_DAYS)
    keys_end = min(bodies_end, now - KEEP_KEYS_FOR)
    settled = OutboundEmail.objects.filter(settled_at__lt=bodies_end)
    blanked = in_batches(settled.filter(content__isnull=False), lambda rows: rows.update(content=None))
    removable = settled.filter(idempotency_key=None) | OutboundEmail.objects.filter(settled_at__lt=keys_end)
    removed = in_batches(removable, lambda rows: rows.delete())
    privacy.erase_settled()
    purge_records(bodies_end)
    logger.info("Retention: blanked %d bodies, deleted %d messages.", blanked, removed)
    return blanked, removed


def purge_records(before: datetime) -> None:
    """Delete or blank what providers reported, what contacts changed, and attempts whose messages are deleted."""
    forget_unlinked_events()
    events = DeliveryEvent.objects.filter(received_at__lt=before)
    in_batches(events.filter(email=None), lambda rows: rows.delete())
    # Events of a message stay as its history, without the payload, which may contain personal data.
    in_batches(events.filter(raw__isnull=False), lambda rows: rows.update(raw=None))
    in_batches(ContactChange.objects.filter(settled_at__lt=before), lambda rows: rows.delete())
    in_batches(DeliveryAttempt.objects.filter(settled_at__lt=before, emails=None), lambda rows: rows.delete())


def forget_unlinked_events() -> None:
    """Blank the personal data in events that no message is known for. Nobody needs it once they are no longer linked.

    Sequenzy's events don't contain our ID. If one is late, it may be about a person who was erased in the meantime.
    """
    if settings.EMAIL_SUPPRESS_AFTER_FOREIGN_EVENTS:  # then the history of each address counts
        return
    unlinked = DeliveryEvent.objects.filter(email=None, received_at__lt=database_now() - UNLINKED_LIFE)
    personal = unlinked.filter(~Q(recipient="") | ~Q(detail="") | Q(raw__isnull=False))
    in_batches(personal, lambda rows: rows.update(recipient="", detail="", raw=None))


def in_batches(rows: QuerySet[Any], change: Callable[[QuerySet[Any]], object]) -> int:
    """Apply ``change`` to the rows in batches, which keeps each transaction short. Return the number of rows."""
    total = 0
    # order_by() removes the model's ordering, which would sort all rows for each batch.
    while keys := list(rows.order_by().values_list("pk", flat=True)[:BATCH_SIZE]):
        change(rows.model._default_manager.filter(pk__in=keys))
        total += len(keys)
    return total
