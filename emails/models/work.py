"""The columns and queries with which delivery claims, attempts, and settles a row, whatever the row carries.

The hard part is that a worker can die or hang while it holds a row. So it claims rows with a *lease*, a claim that
expires: it moves ``due_at`` into the future and writes a random *fencing token* into ``lease_token``. If the worker
dies, the lease expires, and another worker takes over. If it was only slow, it may come back and try to write a result.
Every change to a held row therefore has the token as a condition in the UPDATE, and an outdated token matches no row.

``due_at`` and ``lease_token`` together say what to do with a row:

- ``due_at`` in the past, no token: a worker may claim the row.
- ``due_at`` in the future, no token: the row waits, for example after a failure.
- ``due_at`` in the future, token: a worker holds the row until then.
- ``due_at`` in the past, token: the lease has expired, so the worker is dead or hangs.
- ``due_at`` null: there is nothing to do. The row is settled, or a stored ``DeliveryAttempt`` holds it. The attempt has
  the same two columns, and is claimed in the same way.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any, ClassVar, Self, TypeVar
from uuid import uuid4

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from common.db import index_walks

RowT = TypeVar("RowT", bound=models.Model)

# The conditions of the partial indexes. Both name due_at, or an UPDATE by key and token could use one of these indexes.
WAITS = models.Q(due_at__isnull=False, lease_token__isnull=True)
HELD = models.Q(due_at__isnull=False, lease_token__isnull=False)


class Status(models.TextChoices):
    """What is known about a row. Contact changes use only the first three, ``failed``, and ``cancelled``."""

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
    """Why a row waits or failed, if its status alone doesn't explain it."""

    TRANSIENT = "transient", _("the provider didn't accept it; it will be retried")
    CONFIGURATION = "configuration", _("the provider's account or key needs attention; it will be retried")
    QUOTA = "quota", _("the provider's quota is used up; it will be retried")
    INTERNAL = "internal", _("our own code failed on it; it will be retried")
    UNKNOWN = "unknown", _("it's unknown whether the provider accepted it; the same call will be repeated")
    REFUSED = "refused", _("the provider rejected it permanently")
    WAITS_FOR_FIRST = "waits_for_first", _("the fallback provider can't send it; it waits for the first provider")
    UNSUPPORTED = "unsupported", _("the provider doesn't support messages like this")
    GAVE_UP = "gave_up", _("the provider didn't accept it within two days")
    OUTCOME_UNKNOWN = (
        "outcome_unknown",
        _("it's unknown whether it arrived, and a retry could send a second copy"),
    )
    QUARANTINED = "quarantined", _("its worker died repeatedly")


class Priority(models.IntegerChoices):
    """How urgent an email is. Due emails are claimed in this order."""

    WAITING = 0, _("a person is waiting for it")
    NORMAL = 1, _("normal")
    BULK = 2, _("bulk")


class WorkQuerySet(models.QuerySet[RowT]):
    """Queries over any model with ``due_at`` and ``lease_token``: emails, contact changes, and attempts."""

    # The columns with which the model's index of waiting rows begins, before due_at, and their values in the order of
    # claiming. Each combination of values is one range of the index, and in it, the oldest row comes first.
    claimed_by: ClassVar[Mapping[str, Sequence[Any]]] = {}

    def due(self, now: datetime) -> Self:
        """Return the rows that a worker may claim now."""
        # With their values, the ranges of the index leave out the rows that are due only later.
        values = {f"{column}__in": values for column, values in self.claimed_by.items()}
        return self.filter(due_at__lte=now, lease_token=None, **values)

    def stalled(self, now: datetime) -> Self:
        """Return the rows whose lease has expired, so the worker that holds them died or hangs."""
        return self.filter(due_at__lte=now, lease_token__isnull=False)

    def claim(
        self, *, limit: int, now: datetime, lease: timedelta, only: Mapping[str, Any] | None = None, **changes: Any
    ) -> list[RowT]:
        """Lease up to ``limit`` due rows to the caller and return them, the most urgent first and then the oldest.

        ``only`` selects one value of columns in ``claimed_by``. ``changes`` are further columns to set. No two callers
        get the same row.
        """
        our_lease = {"lease_token": uuid4(), "due_at": now + lease, **changes}
        with index_walks():
            rows = self.lock_due(limit, now, only or {})
            if not rows:
                return []
            # Only the key and the token may be named here: with due_at, an index on it could look better than the key.
            candidates = self.model._default_manager.filter(pk__in=[row.pk for row in rows])
            claimed = candidates.filter(lease_token=None).update(**our_lease)
            if claimed < len(rows):
                return list(candidates.filter(lease_token=our_lease["lease_token"]))
        # All selected rows are ours. Setting the columns here saves the query that would read them again.
        for row in rows:
            for name, value in our_lease.items():
                setattr(row, name, value)
        return rows

    def lock_due(self, limit: int, now: datetime, only: Mapping[str, Any]) -> list[RowT]:
        """Lock up to ``limit`` due rows until the transaction ends, and return them in the order of claiming."""
        rows: list[RowT] = []
        columns = {name: [only[name]] if name in only else values for name, values in self.claimed_by.items()}
        for values in product(*columns.values()):
            # "IN (…)" even for one value, because SQLite wouldn't use its index for "NOT isolated".
            one_range = {f"{name}__in": [value] for name, value in zip(columns, values, strict=True)}
            due = self.filter(due_at__lte=now, lease_token=None, **one_range).order_by("due_at")
            # On PostgreSQL, SKIP LOCKED passes over rows that another worker is claiming right now. SQLite has no row
            # locks and ignores it. There, two workers may select the same rows, and the condition of the UPDATE decides
            # who gets them.
            rows += due.select_for_update(skip_locked=True)[: limit - len(rows)]
            if len(rows) == limit:
                break
        return rows


class Work(models.Model):
    """A row that delivery sends to a provider: an email or a change to a contact."""

    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.QUEUED)
    reason = models.CharField(_("reason"), max_length=24, choices=Reason, blank=True)
    detail = models.TextField(
        _("last response"), blank=True, help_text=_("What the provider responded last, or the error in our own code.")
    )

    created_at = models.DateTimeField(_("created"), db_default=Now())
    due_at = models.DateTimeField(
        _("next attempt"),
        null=True,
        db_default=Now(),
        help_text=_(
            "When a worker takes it, or takes it over from one that died. Empty during a call, and once it is finished."
        ),
    )
    # Null while no worker holds the row.
    lease_token = models.UUIDField(null=True, editable=False)
    isolated = models.BooleanField(
        _("sent on its own"),
        default=False,
        help_text=_("A worker died while it held this, so it now goes out on its own."),
    )
    crashes = models.PositiveSmallIntegerField(
        _("dead workers"),
        default=0,
        help_text=_("Workers that died while they sent it on its own. After five, it is set aside."),
    )
    failures = models.PositiveSmallIntegerField(
        _("temporary refusals"),
        default=0,
        help_text=_("Attempts that the provider refused for now, so they are repeated."),
    )
    # The two days after which a row fails start here, not at created_at: a row may have waited for its schedule.
    first_failed_at = models.DateTimeField(_("first refused"), null=True)

    # The provider of the last attempt. Empty before the first one, because the configured provider may still change.
    provider = models.CharField(_("provider"), max_length=200, blank=True)
    # When the provider accepted it.
    sent_at = models.DateTimeField(_("sent"), null=True)
    # When delivery ended, successfully or not. Later events may still change the status.
    settled_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        abstract = True

    @property
    def has_retry_limit(self) -> bool:
        """Whether the row fails after two days of temporary failures. If not, it is retried forever."""
        return True

    @property
    def allows_second_copy(self) -> bool:
        """Whether a call of unknown outcome may be repeated if the provider doesn't recognize repeats."""
        return True

    def changes_when_settled(self) -> dict[str, Any]:
        """Return the column changes that delete what must not be kept after the row is settled."""
        return {}
