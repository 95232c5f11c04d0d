"""Delivery events: what providers report about an email after they accepted it."""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from emails.models.messages import OutboundEmail


class DeliveryEvent(models.Model):
    """One event of one email at one recipient, stored once even if the provider reports it several times."""

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
        """Whether a bounce means that the address is dead."""

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
