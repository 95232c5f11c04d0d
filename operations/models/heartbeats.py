"""Heartbeats: when each worker and beat last reported that it is running."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    WORKER = "worker", _("worker")
    BEAT = "beat", _("beat")


class Heartbeat(models.Model):
    """One row per process, for a day after its end. All times are the database's."""

    name = models.CharField(primary_key=True, max_length=255)  # the role, the host, and the process ID
    role = models.CharField(max_length=10, choices=Role)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    # When a worker last finished a task, or beat last published one. Null: not since it started.
    worked_at = models.DateTimeField(null=True)
    # Set if the process stopped cleanly. One that was killed only falls silent.
    stopped_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
