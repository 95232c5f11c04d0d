"""What providers told about messages after they took them."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import connection, models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from emails.models.messages import OutboundEmail

ROWS_AN_INSERT = 1000  # a statement of SQLite's takes 32,766 values, where nobody raised that


class DeliveryEventQuerySet(models.QuerySet["DeliveryEvent"]):
    def insert_new(self, events: Sequence["DeliveryEvent"]) -> set[uuid.UUID]:
        """Insert those that are not counted yet; returns their keys."""
        shares = (events[first : first + ROWS_AN_INSERT] for first in range(0, len(events), ROWS_AN_INSERT))
        return set().union(*map(self._insert_new, shares))

    def _insert_new(self, events: Sequence["DeliveryEvent"]) -> set[uuid.UUID]:
        """In one statement that says which they were: Django's bulk_create(ignore_conflicts=True) cannot say so, and
        asking again would double the cost of an event."""
        quote, meta = connection.ops.quote_name, self.model._meta
        fields = [field for field in meta.concrete_fields if field.db_default is models.NOT_PROVIDED]
        columns = ", ".join(quote(str(field.column)) for field in fields)
        rows = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(events))
        insert = f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES {rows} ON CONFLICT DO NOTHING RETURNING id"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(insert, [prepared(field, event) for event in events for field in fields])
            return {key if isinstance(key, uuid.UUID) else uuid.UUID(key) for (key,) in cursor.fetchall()}


def prepared(field: "models.Field[Any, Any]", event: "DeliveryEvent") -> Any:
    return field.get_db_prep_save(getattr(event, field.attname), connection)


class DeliveryEvent(models.Model):
    """One thing that happened to a message at one recipient, counted once however often it is told."""

    class Type(models.TextChoices):
        QUEUED = "queued", _("queued at the provider")
        SENT = "sent", _("handed to the receiving server")
        DELIVERED = "delivered", _("the receiving server took it")
        DEFERRED = "deferred", _("the receiving server asked to come back later")
        BOUNCED = "bounced", _("the receiving server refused it")
        COMPLAINED = "complained", _("reported as spam")
        REJECTED = "rejected", _("the provider did not send it")
        SUPPRESSED = "suppressed", _("the provider's own suppression list holds the address")
        OPENED = "opened", _("opened")
        CLICKED = "clicked", _("a link was clicked")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        RESUBSCRIBED = "resubscribed", _("subscribed again")
        OTHER = "other", _("of no meaning here")

    class Severity(models.TextChoices):
        """How final a bounce is."""

        HARD = "hard", _("the address does not exist")
        SOFT = "soft", _("this message only")
        UNDETERMINED = "undetermined", _("soft at first, hard when it happens again")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64, help_text=_("hash of what the event says: a repeat has the same"))
    email = models.ForeignKey(OutboundEmail, null=True, on_delete=models.CASCADE, related_name="events")
    provider_message_id = models.CharField(max_length=255, blank=True)
    recipient = models.CharField(
        max_length=320, blank=True, help_text=_("in lower case; empty where it may be one of several")
    )

    type = models.CharField(max_length=16, choices=Type)
    severity = models.CharField(max_length=16, choices=Severity, blank=True)
    detail = models.TextField(blank=True, help_text=_("what the receiving server or the provider said"))
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())
    raw = models.JSONField(null=True, help_text=_("as it came; null after the retention period"))

    objects: ClassVar[DeliveryEventQuerySet] = DeliveryEventQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["occurred_at"]
        indexes = [
            models.Index(fields=["recipient", "occurred_at"], name="event_recipient"),
            models.Index(fields=["received_at"], name="event_received"),
            models.Index(fields=["provider_message_id"], condition=models.Q(email__isnull=True), name="event_unlinked"),
        ]
        constraints = [models.UniqueConstraint(fields=["provider", "fingerprint"], name="event_counted_once")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.get_type_display()}"
