"""Events from Stripe, each stored once."""

from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from common.db import execute

# Stripe promises no order, so an event with more about a customer may follow later.
WAIT = timedelta(days=1)

# Written by hand because it runs with every event: compiling it with the ORM takes ten times as long as running it.
CLAIM = """
    UPDATE billing_stripeevent
    SET status = 'processed', processed_at = CURRENT_TIMESTAMP, due_at = NULL, waits_for = '', note = '', error = ''
    WHERE id = %s AND status <> 'processed'
"""

# The events of a customer whose user was deleted.
EMPTY_OF_ERASED = """
    UPDATE billing_stripeevent SET body = '', error = ''
    WHERE customer_id = %s AND (body <> '' OR error <> '')
    AND EXISTS (SELECT 1 FROM billing_customer WHERE id = %s AND erased_at IS NOT NULL)
"""


class StripeEventQuerySet(models.QuerySet["StripeEvent"]):
    def claim(self, event_id: str) -> bool:
        """Mark the event as processed and lock it until the transaction ends. Returns False if it is already processed.

        The caller processes the event in the same transaction: if that fails, the mark is rolled back with it.
        """
        return execute(CLAIM, event_id) == 1

    def recent(self) -> Self:
        """Keep the events of the last day. What an older one waits for isn't likely to come."""
        return self.filter(received_at__gt=Now() - WAIT)

    def waiting_for(self, customer_id: str) -> Self:
        return self.recent().filter(waits_for=customer_id)

    def make_due(self) -> int:
        """Make the events due now, also those that were processed without effect, and return how many there were."""
        return self.update(status=StripeEvent.Status.RECEIVED, processed_at=None, due_at=Now())

    def due(self) -> Self:
        return self.filter(due_at__lte=Now()).order_by("due_at")


class StripeEvent(models.Model):
    """One event, kept for 90 days. Its id is Stripe's, so an event that is sent again is recognized."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("received")
        PROCESSED = "processed", _("processed")
        FAILED = "failed", _("failed: our own code failed on it; it will be retried")

    id = models.CharField(_("event ID"), primary_key=True, max_length=255)
    type = models.CharField(_("type"), max_length=100)
    api_version = models.CharField(_("API version"), max_length=64, blank=True)
    livemode = models.BooleanField(_("real money"))
    account = models.CharField(
        _("connected account"), max_length=255, blank=True, help_text=_("The ID of a connected account.")
    )
    customer_id = models.CharField(_("customer"), max_length=255, blank=True)
    object_id = models.CharField(_("concerns"), max_length=255, blank=True)
    body = models.TextField(_("as received"), help_text=_("The body as received. Empty once it has been erased."))

    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.RECEIVED)
    note = models.CharField(
        _("note"), max_length=255, blank=True, help_text=_("Why the event changed nothing, or what it is waiting for.")
    )
    error = models.TextField(_("error in our code"), blank=True, help_text=_("The error in our own code."))
    attempts = models.PositiveSmallIntegerField(_("failed attempts"), default=0, help_text=_("Failed attempts."))
    due_at = models.DateTimeField(
        _("next attempt"), null=True, help_text=_("When it is processed again. Empty once it is processed.")
    )
    waits_for = models.CharField(
        _("waits for"),
        max_length=255,
        blank=True,
        help_text=_("The customer whose email address or owner isn't known yet."),
    )
    expects_invoice = models.CharField(
        max_length=255, blank=True, help_text=_("The invoice that should be reported as paid.")
    )

    created_at = models.DateTimeField(_("happened"), help_text=_("When it happened, by Stripe's clock."))
    received_at = models.DateTimeField(_("received"), db_default=Now())
    processed_at = models.DateTimeField(_("processed"), null=True)

    objects: ClassVar[StripeEventQuerySet] = StripeEventQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("Stripe event")
        verbose_name_plural = _("Stripe events")
        ordering = ["-received_at"]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="stripe_event_due"),
            models.Index(fields=["received_at"], name="stripe_event_received"),
            models.Index(fields=["customer_id"], condition=~models.Q(customer_id=""), name="stripe_event_customer"),
            models.Index(fields=["object_id"], condition=~models.Q(object_id=""), name="stripe_event_object"),
            models.Index(
                fields=["waits_for", "due_at"], condition=~models.Q(waits_for=""), name="stripe_event_waiting"
            ),
            models.Index(fields=["received_at"], condition=~models.Q(expects_invoice=""), name="stripe_event_expects"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"
