"""The suppression list: email addresses that receive nothing.

Each provider keeps such a list, too. Ours is checked before every call, and stays valid when the provider changes.
"""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Suppression(models.Model):
    """An email address that receives nothing until ``until`` has passed or the row is deleted."""

    class Cause(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", _("hard bounce")
        COMPLAINT = "complaint", _("complaint")
        SOFT_BOUNCES = "soft_bounces", _("repeated soft bounces")
        MANUAL = "manual", _("added manually")

    address = models.CharField(_("email address"), max_length=320, unique=True, help_text=_("In lowercase."))
    cause = models.CharField(max_length=16, choices=Cause, default=Cause.MANUAL)
    detail = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True, blank=True, help_text=_("If empty, the suppression has no end date."))

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.address

    def save(self, *args: object, **kwargs: object) -> None:
        self.address = self.address.strip().lower()
        super().save(*args, **kwargs)  # type: ignore[arg-type]
