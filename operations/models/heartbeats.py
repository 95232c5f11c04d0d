"""Heartbeats: when each worker and beat last reported that it is running."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    WORKER = "worker", _("worker")
    BEAT = "beat", _("beat")


class Heartbeat(models.Model):
    """One row per process. ``seen_at`` is the database's clock. Processes that are gone leave their row behind."""

    name = models.CharField(primary_key=True, max_length=255)  # the role, the host, and the process ID
    role = models.CharField(max_length=10, choices=Role)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
