"""The columns and queries with which delivery claims, attempts, and settles a row, whatever the row carries.

A worker claims due rows with a *lease*, a claim that expires: it moves ``due_at`` into the future and writes a random
*fencing token* into ``lease_token``. Later changes to the row name that token in the UPDATE. If the worker dies, the
lease expires and another worker takes over. If the first worker was only slow, its token no longer matches, so it can't
overwrite newer results.
"""

from datetime import datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import uuid4

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

RowT = TypeVar("RowT", bound=models.Model)


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
    """Why a message waits, or ended as it did, if its status alone doesn't explain it."""

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


class WorkQuerySet(models.QuerySet[RowT]):
    """Queries over rows with ``due_at`` (null once settled) and ``lease_token`` (null while no worker holds it)."""

    def due(self, now: datetime) -> Self:
        """Rows that a worker may claim now."""
        return self.filter(due_at__lte=now, lease_token=None)

    def stalled(self, now: datetime) -> Self:
        """Rows whose lease expired while a worker still held them, so that worker died or hangs."""
        return self.filter(due_at__lte=now, lease_token__isnull=False)

    def claim(self, *, limit: int, now: datetime, lease: timedelta, **changes: Any) -> list[RowT]:
        """Lease up to ``limit`` due rows to the caller and return them, oldest first. No row is claimed twice.

        On PostgreSQL, SKIP LOCKED passes over rows that another worker is claiming. SQLite ignores the lock, and there
        the condition of the UPDATE decides who gets a row.
        """
        our_lease = {"lease_token": uuid4(), "due_at": now + lease, **changes}
        with transaction.atomic():
            rows = list(self.due(now).select_for_update(skip_locked=True).order_by("due_at")[:limit])
            if not rows:
                return []
            candidates = self.model._default_manager.filter(pk__in=[row.pk for row in rows])
            claimed = candidates.filter(due_at__lte=now, lease_token=None).update(**our_lease)
        if claimed < len(rows):
            return list(candidates.filter(lease_token=our_lease["lease_token"]))
        # All of them are ours. Setting the columns here saves reading the rows again.
        for row in rows:
            for name, value in our_lease.items():
                setattr(row, name, value)
        return rows


class Work(models.Model):
    """A row that delivery sends to a provider: an email, or a change to a contact."""

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
    def gives_up(self) -> bool:
        """Whether the row fails if no provider accepts it for two days. If not, it is retried forever."""
        return True

    @property
    def allows_second_copy(self) -> bool:
        """Whether a call may be repeated although the provider may already have acted on it."""
        return True

    def changes_when_settled(self) -> dict[str, Any]:
        """Return the changes that erase what must not be kept once the row is settled."""
        return {}
