"""What the worker's last examination of the installation found, for the admin."""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

OLD_AFTER = timedelta(minutes=15)  # three missed examinations


class Report(models.Model):
    """The newest report. There is at most one row. It holds no secrets, only findings and keyed hashes of variables."""

    process = models.CharField(max_length=255, help_text=_("The process whose settings were examined."))
    checked_at = models.DateTimeField(help_text=_("By the database's clock."))
    findings = models.JSONField(help_text=_("One object per finding, worst first."))
    fingerprints = models.JSONField(default=dict, help_text=_("A keyed hash of each variable, for comparisons."))

    class Meta:
        verbose_name = _("installation report")
        verbose_name_plural = _("installation")

    def __str__(self) -> str:
        return f"{self.process}, {self.checked_at:%Y-%m-%d %H:%M}"
