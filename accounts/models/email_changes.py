"""Which addresses a person had."""

from django.db import models
from django.utils import timezone

from accounts.models.fields import AddressField
from accounts.models.users import User


class EmailChange(models.Model):
    """A change of address that was made, and can be undone for some days by whoever reads the old address."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="email_changes")
    old_address = AddressField()
    new_address = AddressField()
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.old_address} → {self.new_address}"
