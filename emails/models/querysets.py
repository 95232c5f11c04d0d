"""Named queries over work that waits: what is due, who holds it, whose holder died."""

from datetime import datetime, timedelta
from typing import Any, Self, TypeVar
from uuid import uuid4

from django.db import models, transaction

RowT = TypeVar("RowT", bound=models.Model)


class WorkQuerySet(models.QuerySet[RowT]):
    """Rows with ``due_at`` (when somebody has to look; null when settled) and ``lease_token`` (who does just now).

    A lease moves ``due_at`` into the future. When it runs out while the token is still there, the holder died.
    """

    def due(self, now: datetime) -> Self:
        return self.filter(due_at__lte=now, lease_token=None)

    def abandoned(self, now: datetime) -> Self:
        return self.filter(due_at__lte=now, lease_token__isnull=False)

    def claim(self, *, limit: int, now: datetime, lease: timedelta, **changes: Any) -> list[RowT]:
        """Lease at most ``limit`` due rows to the caller, oldest first; two callers never get the same row.

        PostgreSQL skips rows that another transaction has locked; SQLite ignores the lock, and there the condition
        in the UPDATE decides.
        """
        lease_of_mine = {"lease_token": uuid4(), "due_at": now + lease, **changes}
        with transaction.atomic():
            rows = list(self.due(now).select_for_update(skip_locked=True).order_by("due_at")[:limit])
            if not rows:
                return []
            candidates = self.model._default_manager.filter(pk__in=[row.pk for row in rows])
            claimed = candidates.filter(due_at__lte=now, lease_token=None).update(**lease_of_mine)
        if claimed < len(rows):
            return list(candidates.filter(lease_token=lease_of_mine["lease_token"]))
        for row in rows:
            for name, value in lease_of_mine.items():
                setattr(row, name, value)
        return rows
