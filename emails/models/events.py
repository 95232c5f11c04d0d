"""Delivery events: what providers report about an email after they accepted it.

Providers deliver an event more than once and in any order, so a row is identified by its content (``fingerprint``), and
nothing depends on the order in which rows are inserted.
"""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from emails.models.list_indexes import list_index
from emails.models.messages import OutboundEmail
from emails.models.suppressions import Suppression

# Whether an event contains anything about a person.
PERSONAL = ~models.Q(recipient="") | ~models.Q(detail="") | models.Q(raw__isnull=False)


class DeliveryEvent(models.Model):
    """One event of one email at one recipient, stored once even if the provider reports it several times."""

    class Type(models.TextChoices):
        """The neutral names of events. Each provider's file in emails/webhooks/ maps its own names to these."""

        QUEUED = "queued", _("queued at the provider")
        SENT = "sent", _("handed to the receiving server")
        DELIVERED = "delivered", _("accepted by the receiving server")
        DEFERRED = "deferred", _("deferred by the receiving server")
        BOUNCED = "bounced", _("rejected by the receiving server")
        COMPLAINED = "complained", _("reported as spam")
        REJECTED = "rejected", _("not sent by the provider")
        SUPPRESSED = "suppressed", _("the email address is on the provider's suppression list")
        OPENED = "opened", _("opened")
        CLICKED = "clicked", _("clicked a link")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        RESUBSCRIBED = "resubscribed", _("resubscribed")
        OTHER = "other", _("not relevant here")

    class Severity(models.TextChoices):
        """Whether a bounce means that the email address no longer exists."""

        HARD = "hard", _("the email address doesn't exist")
        SOFT = "soft", _("only this message")
        UNDETERMINED = "undetermined", _("soft at first, hard if it happens again")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(_("provider"), max_length=200)
    fingerprint = models.CharField(max_length=64, help_text=_("A hash of the event's content, for deduplication."))
    # Null if the email didn't go through the outbox, or if its ID at the provider isn't stored yet.
    email = models.ForeignKey(OutboundEmail, null=True, on_delete=models.CASCADE, related_name="events")
    provider_message_id = models.CharField(_("ID at the provider"), max_length=255, blank=True)
    recipient = models.CharField(
        _("recipient"),
        max_length=320,
        blank=True,
        help_text=_("In lowercase. Empty if it could be any of several recipients."),
    )

    type = models.CharField(_("event"), max_length=16, choices=Type)
    severity = models.CharField(_("kind of bounce"), max_length=16, choices=Severity, blank=True)
    detail = models.TextField(
        _("response"), blank=True, help_text=_("The response from the receiving server or the provider.")
    )
    # These two decide about suppression if the event is linked to its message only later.
    cause = models.CharField(
        _("cause"),
        max_length=16,
        choices=Suppression.Cause,
        blank=True,
        db_default="",
        help_text=_("Why the email address is on the provider's suppression list."),
    )
    is_recipient_from_list = models.BooleanField(
        default=False, db_default=False, help_text=_("The provider copied the recipient from the message.")
    )
    # By the provider's clock. It decides the order of events, because they may arrive in any order.
    occurred_at = models.DateTimeField(_("happened"))
    received_at = models.DateTimeField(_("received"), db_default=Now())
    raw = models.JSONField(
        _("as received"), null=True, help_text=_("What the provider sent. Deleted after the retention period.")
    )

    class Meta:
        verbose_name = _("delivery event")
        verbose_name_plural = _("delivery events")
        ordering = ["occurred_at"]
        indexes = [
            models.Index(fields=["recipient", "occurred_at"], name="event_recipient"),
            # The list of events, and its filters.
            models.Index(fields=["received_at"], name="event_received"),
            list_index("type", "received_at", name="event_type"),
            list_index("severity", "received_at", name="event_severity", is_mostly_empty=True),
            # Retention: events with a payload, and two kinds of those without a message.
            models.Index(fields=["received_at"], condition=models.Q(raw__isnull=False), name="event_with_payload"),
            models.Index(
                fields=["received_at"], condition=models.Q(PERSONAL, email__isnull=True), name="event_to_forget"
            ),
            models.Index(fields=["received_at"], condition=models.Q(email__isnull=True), name="event_unlinked_age"),
            models.Index(fields=["provider_message_id"], condition=models.Q(email__isnull=True), name="event_unlinked"),
        ]
        constraints = [models.UniqueConstraint(fields=["provider", "fingerprint"], name="event_counted_once")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.get_type_display()}"
