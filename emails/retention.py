"""Deletes old emails: bodies after EMAIL_RETENTION_DAYS, and rows with an idempotency key after at least 90 days."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from common.batches import delete_in_batches, in_batches
from common.db import database_now
from emails import privacy
from emails.models import ContactChange, DeliveryEvent, OutboundEmail
from emails.models.events import PERSONAL
from emails.models.messages import HAS_BODY_OR_NO_KEY

logger = logging.getLogger(__name__)

KEEP_KEYS_FOR = timedelta(days=90)
UNLINKED_LIFE = timedelta(days=3)  # a call can be repeated for two days, and its events are linked afterward


def purge() -> tuple[int, int]:
    """Blank the bodies and delete the rows that are too old. Return how many of each. Safe to repeat.

    A row with an idempotency key outlives its body, so that the same receipt isn't sent again next month. Each query
    below has a partial index that contains only rows which are still to be changed, so rows that were blanked earlier
    cost nothing.
    """
    now = database_now()
    bodies_end = now - timedelta(days=settings.EMAIL_RETENTION_DAYS)
    keys_end = min(bodies_end, now - KEEP_KEYS_FOR)
    purged = Purged()
    in_batches(OutboundEmail.objects.filter(HAS_BODY_OR_NO_KEY, settled_at__lt=bodies_end), "settled_at", purged.change)
    kept_keys = OutboundEmail.objects.filter(content__isnull=True, idempotency_key__isnull=False)
    in_batches(kept_keys.filter(settled_at__lt=keys_end), "settled_at", purged.delete_all)
    privacy.erase_settled()
    purge_records(bodies_end)
    logger.info("Retention: blanked %d bodies, deleted %d messages.", purged.bodies, purged.messages)
    return purged.bodies, purged.messages


class Purged:
    """Counts what one purge deletes."""

    def __init__(self) -> None:
        self.bodies = self.messages = 0

    def change(self, emails: QuerySet[OutboundEmail]) -> None:
        """Blank the emails with an idempotency key, and delete the others."""
        has_body = ExpressionWrapper(Q(content__isnull=False), output_field=BooleanField())
        rows = list(emails.order_by().values_list("pk", "idempotency_key", has_body))
        # Chosen here and not by the database, because SQLite would look for all rows without a key by its index.
        with_key = [pk for pk, key, _ in rows if key is not None]
        OutboundEmail.objects.filter(pk__in=with_key).update(content=None)
        self.delete([pk for pk, key, _ in rows if key is None])
        self.bodies += sum(had_body for _, _, had_body in rows)

    def delete_all(self, emails: QuerySet[OutboundEmail]) -> None:
        self.delete([*emails.order_by().values_list("pk", flat=True)])

    def delete(self, keys: list[UUID]) -> None:
        privacy.delete(keys)
        self.messages += len(keys)


def purge_records(before: datetime) -> None:
    """Delete or blank what providers reported and what contacts changed."""
    forget_unlinked_events()
    events = DeliveryEvent.objects.filter(received_at__lt=before)
    delete_in_batches(events.filter(email__isnull=True), "received_at")
    # Events of a message stay as its history, without the payload, which may contain personal data.
    in_batches(events.filter(raw__isnull=False), "received_at", lambda rows: rows.update(raw=None))
    delete_in_batches(ContactChange.objects.filter(settled_at__lt=before), "settled_at")


def forget_unlinked_events() -> None:
    """Blank the personal data in events that no message is known for. Nobody needs it once they are no longer linked.

    Sequenzy's events don't contain our ID. If one is late, it may be about a person who was erased in the meantime.
    """
    if settings.EMAIL_SUPPRESS_AFTER_FOREIGN_EVENTS:  # then the history of each address counts
        return
    unlinked = DeliveryEvent.objects.filter(
        PERSONAL, email__isnull=True, received_at__lt=database_now() - UNLINKED_LIFE
    )
    in_batches(unlinked, "received_at", lambda rows: rows.update(recipient="", detail="", raw=None))
