"""Counters that survive restarts, and how far each table has been counted.

The rows that they count are written in transactions that must stay short, so nothing is counted there. A task reads
the new rows every 15 seconds and adds them up (operations/metrics/counting.py).
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Total(models.Model):
    """One series of a counter or histogram on /metrics. It never decreases."""

    metric = models.CharField(max_length=64)
    provider = models.CharField(max_length=200, blank=True)
    detail = models.CharField(max_length=64, blank=True)  # the kind of email, or the outcome of an attempt
    bucket = models.CharField(max_length=16, blank=True)  # of a histogram: its upper bound, or "sum"
    value = models.FloatField(default=0)

    class Meta:
        verbose_name = _("total")
        verbose_name_plural = _("totals")
        constraints = [
            models.UniqueConstraint(fields=["metric", "provider", "detail", "bucket"], name="total_of_series")
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, [self.metric, self.provider, self.detail, self.bucket]))


class Counted(models.Model):
    """The time up to which the rows of one table are part of the totals."""

    source = models.CharField(primary_key=True, max_length=32)
    until = models.DateTimeField()

    class Meta:
        verbose_name = _("counted table")
        verbose_name_plural = _("counted tables")

    def __str__(self) -> str:
        return self.source
