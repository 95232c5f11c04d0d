"""What waits to be handed to a provider: its states, its due time, its lease and its tries."""

from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    SENT = "sent", _("sent: the provider accepted it")
    DELIVERED = "delivered", _("delivered: the receiving server accepted it")
    BOUNCED = "bounced", _("bounced")
    COMPLAINED = "complained", _("complained")
    FAILED = "failed", _("failed")
    SUPPRESSED = "suppressed", _("suppressed")
    EXPIRED = "expired", _("expired")
    CANCELLED = "cancelled", _("cancelled")


class Reason(models.TextChoices):
    """Why a message waits or ended as it did, where its status alone does not say it."""

    TRANSIENT = "transient", _("the provider didn't accept it; it will be retried")
    CONFIGURATION = "configuration", _("the provider's account or key needs attention; it will be retried")
    QUOTA = "quota", _("the provider's quota is used up; it will be retried")
    INTERNAL = "internal", _("our own code failed on it; it will be retried")
    UNKNOWN = "unknown", _("it's unknown whether the provider accepted it; the same call will be repeated")
    REFUSED = "refused", _("the provider rejected it permanently")
    UNSUPPORTED = "unsupported", _("the provider doesn't support messages like this")
    GAVE_UP = "gave_up", _("the provider didn't accept it within two days")
    OUTCOME_UNKNOWN = (
        "outcome_unknown",
        _("it's unknown whether it arrived, and a retry could send a second copy"),
    )
    QUARANTINED = "quarantined", _("its worker died repeatedly")


class Work(models.Model):
    """The columns by which delivery claims, tries and settles a row, whatever it carries."""

    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    reason = models.CharField(max_length=24, choices=Reason, blank=True)
    detail = models.TextField(blank=True, help_text=_("The last response from the provider or error in our own code."))

    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(
        null=True, db_default=Now(), help_text=_("Null while an attempt holds it, and once it is settled.")
    )
    lease_token = models.UUIDField(null=True, editable=False)
    isolated = models.BooleanField(default=False, help_text=_("Its worker died, so it is now claimed alone."))
    crashes = models.PositiveSmallIntegerField(default=0, help_text=_("Workers that died while they held it alone."))
    failures = models.PositiveSmallIntegerField(
        default=0, help_text=_("Attempts that the provider refused temporarily.")
    )
    first_failed_at = models.DateTimeField(null=True)

    provider = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def is_given_up(self) -> bool:
        """Whether it ends as failed after two days in which it was not taken."""
        return True

    @property
    def blanked_content(self) -> dict[str, Any]:
        """The change that blanks what nobody may keep once the row is settled."""
        return {}
