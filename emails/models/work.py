"""What waits to be handed to a provider: its states, its due time, its lease and its tries."""

from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    SENT = "sent", _("sent: the provider took it")
    DELIVERED = "delivered", _("delivered: the receiving server took it")
    BOUNCED = "bounced", _("bounced")
    COMPLAINED = "complained", _("complained")
    FAILED = "failed", _("failed")
    SUPPRESSED = "suppressed", _("suppressed")
    EXPIRED = "expired", _("expired")
    CANCELLED = "cancelled", _("cancelled")


class Reason(models.TextChoices):
    """Why a message waits or ended as it did, where its status alone does not say it."""

    TRANSIENT = "transient", _("the provider did not take it; it is tried again")
    CONFIGURATION = "configuration", _("the provider's account or key needs a person; it is tried again")
    QUOTA = "quota", _("the provider's quota is used up; it is tried again")
    INTERNAL = "internal", _("our own code failed on it; it is tried again")
    UNKNOWN = "unknown", _("whether the provider took it is unknown; the same call is repeated")
    REFUSED = "refused", _("the provider refused it for good")
    UNSUPPORTED = "unsupported", _("the provider cannot carry such a message")
    GAVE_UP = "gave_up", _("it was tried for two days")
    OUTCOME_UNKNOWN = (
        "outcome_unknown",
        _("whether it arrived could not be found out, and a repeat could be a second copy"),
    )
    QUARANTINED = "quarantined", _("its worker died again and again")


class Work(models.Model):
    """The columns by which delivery claims, tries and settles a row, whatever it carries."""

    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    reason = models.CharField(max_length=24, choices=Reason, blank=True)
    detail = models.TextField(blank=True, help_text=_("what the provider, or our own code, said last"))

    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(
        null=True, db_default=Now(), help_text=_("null while an attempt holds it, and when settled")
    )
    lease_token = models.UUIDField(null=True, editable=False)
    isolated = models.BooleanField(default=False, help_text=_("its worker died: it is now claimed alone"))
    crashes = models.PositiveSmallIntegerField(default=0, help_text=_("workers that died while they held it alone"))
    failures = models.PositiveSmallIntegerField(default=0, help_text=_("tries that were refused for now"))
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
