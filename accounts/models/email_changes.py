"""Changes of email addresses."""

from django.db import models
from django.utils import timezone

from accounts.models.fields import EmailAddressField
from accounts.models.users import User


class EmailChange(models.Model):
    """A completed change of a user's email address. For a few days, the owner of the old address can undo it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="email_changes")
    old_address = EmailAddressField("old email address")
    new_address = EmailAddressField("new email address")
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True)
    # When the undo link ended early. The time of the change if the old address got no link.
    final_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["at"], name="email_change_age")]  # for retention

    def __str__(self) -> str:
        return f"{self.old_address} → {self.new_address}"
