"""Counts emails by the hour in which they were queued, their kind, and their present status."""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncHour

from common.db import database_now, index_walks, insert_if_absent
from emails.models import DeliveryEvent, OutboundEmail
from emails.models.messages import HAS_BODY_OR_NO_KEY
from operations.models import DeletedEmails, EmailCount
from operations.rollups.hours import HOUR, Hours, Subject, count_round, day_of, full_hour, oldest_charted

Group = tuple[datetime, str, str]  # hour, kind, and status


def count_emails() -> int:
    """Count the hours that are due. Returns how many. Safe to repeat, and to run several times at once."""
    oldest = oldest_charted(database_now())
    EmailCount.objects.filter(hour__lt=oldest).delete()
    DeletedEmails.objects.filter(hour__lt=oldest).delete()
    return count_round(Subject.EMAIL, changed_since, count_hours)


def changed_since(since: datetime) -> Iterator[datetime]:
    """Yield when the emails were queued that were settled, reported by an event, or deleted since then."""
    with index_walks():
        settled = OutboundEmail.objects.filter(settled_at__gte=since).order_by()
        # Every settled row is in one of two partial indexes (emails/models/messages.py).
        yield from times(settled.filter(HAS_BODY_OR_NO_KEY))
        yield from times(settled.filter(content__isnull=True, idempotency_key__isnull=False))
        events = DeliveryEvent.objects.filter(received_at__gte=since, email__isnull=False).order_by()
        yield from events.values_list("email__created_at", flat=True).iterator()
    yield from DeletedEmails.objects.values_list("hour", flat=True).distinct()


def times(emails: QuerySet[OutboundEmail]) -> Iterator[datetime]:
    return emails.values_list("created_at", flat=True).iterator()


def count_hours(hours: Hours) -> None:
    """Replace the counts of consecutive hours."""
    # Taken over before the rows are counted: if an email is deleted in between, it is missing until the next count,
    # which follows in a minute.
    deleted = take_over_deletions(hours)
    found = grouped(hours)
    stored = EmailCount.objects.filter(hour__in=hours)
    known = {*stored.values_list("hour", "kind", "status")}
    missing = sorted({*found, *deleted} - known)
    insert_if_absent([EmailCount(hour=h, day=day_of(h), kind=k, status=s) for h, k, s in missing])
    changed = []
    for row in stored.all():
        group = (row.hour, row.kind, row.status)
        values = (found.get(group, 0), row.deleted + deleted[group], day_of(row.hour))
        if values != (row.count, row.deleted, row.day):
            row.count, row.deleted, row.day = values
            changed.append(row)
    EmailCount.objects.bulk_update(changed, ["count", "deleted", "day"], batch_size=100)
    stored.filter(count=0, deleted=0).delete()


def grouped(hours: Hours) -> dict[Group, int]:
    """Return how many stored emails were queued in each hour, by kind and status."""
    emails = OutboundEmail.objects.filter(created_at__gte=min(hours), created_at__lt=max(hours) + HOUR).order_by()
    by_hour = emails.annotate(hour=TruncHour("created_at", tzinfo=UTC)).values_list("hour", "kind", "status")
    with index_walks():
        return {(hour, kind, status): count for hour, kind, status, count in by_hour.annotate(Count("pk"))}


def take_over_deletions(hours: Hours) -> Counter[Group]:
    """Return how many emails of these hours were deleted since they were last counted."""
    rows = [*DeletedEmails.objects.filter(hour__in=hours)]
    DeletedEmails.objects.filter(pk__in=[row.pk for row in rows]).delete()
    deleted: Counter[Group] = Counter()
    for row in rows:
        deleted[row.hour, row.kind, row.status] += row.count
    return deleted


def remember_deleted(sender: Any, keys: Collection[UUID], **_: Any) -> None:
    """Receiver of ``emails_deleting``: keep the numbers of the emails that the caller's transaction deletes."""
    deleted: Counter[Group] = Counter()
    emails = OutboundEmail.objects.filter(pk__in=keys, created_at__gte=oldest_charted(database_now())).order_by()
    for created_at, kind, status in emails.values_list("created_at", "kind", "status"):
        deleted[full_hour(created_at), kind, status] += 1
    DeletedEmails.objects.bulk_create(
        DeletedEmails(hour=hour, kind=kind, status=status, count=count)
        for (hour, kind, status), count in deleted.items()
    )
