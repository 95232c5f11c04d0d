"""Disputes: a buyer asks the bank for the money back."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.money import format_amount

# The money is ours again, or still.
SETTLED = ("won", "warning_closed", "prevented")


class Dispute(models.Model):
    """A dispute in the state that the newest event about it reports."""

    id = models.CharField(primary_key=True, max_length=255, help_text="dp_… or du_…")
    charge = models.CharField(max_length=255, blank=True, db_index=True)
    payment_intent = models.CharField(max_length=255, blank=True, db_index=True)
    amount = models.BigIntegerField(default=0, help_text=_("In minor units."))
    currency = models.CharField(max_length=3, blank=True)
    status = models.CharField(max_length=32, blank=True)
    reason = models.CharField(max_length=64, blank=True)
    version = models.CharField(max_length=300, blank=True)

    objects: ClassVar[models.Manager["Dispute"]] = models.Manager()

    class Meta:
        ordering = ["-version"]

    def __str__(self) -> str:
        amount = format_amount(self.amount, self.currency) if self.currency else ""
        return f"{self.pk}: {amount} {self.status}"
