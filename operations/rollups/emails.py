"""Counts emails by the hour in which they were queued, their kind, and their present status."""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from common.db import database_now, index_walks, insert_if_absent
from emails.models import DeliveryEvent, OutboundEmail
from emails.models.messages import HAS_BODY_OR_NO_KEY
from operations.models import DeletedEmails, EmailCount
from operations.rollups.hours import HOUR, Subject, count_round, full_hour, oldest_charted

Group = tuple[str, str]  # kind and status


def count_emails() -> int:
    """Count the hours that are due. Returns how many. Safe to repeat, and to run several times at once."""
    oldest = oldest_charted(database_now())
    EmailCount.objects.filter(hour__lt=oldest).delete()
    DeletedEmails.objects.filter(hour__lt=oldest).delete()
    return count_round(Subject.EMAIL, changed_since, count_hour)


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


def count_hour(hour: datetime) -> None:
    """Replace the counts of one hour."""
    # Taken over before the rows are counted: if an email is deleted in between, it is missing until the next count,
    # which follows in a minute.
    deleted = take_over_deletions(hour)
    with index_walks():
        emails = OutboundEmail.objects.filter(created_at__gte=hour, created_at__lt=hour + HOUR).order_by()
        found = {(kind, status): count for kind, status, count in grouped(emails)}
    rows = {(row.kind, row.status): row for row in EmailCount.objects.filter(hour=hour)}
    missing = (found.keys() | deleted.keys()) - rows.keys()
    insert_if_absent([EmailCount(hour=hour, kind=kind, status=status) for kind, status in sorted(missing)])
    for row in EmailCount.objects.filter(hour=hour):
        group = (row.kind, row.status)
        count, total = found.get(group, 0), row.deleted + deleted[group]
        if not count and not total:
            row.delete()
        elif (count, total) != (row.count, row.deleted):
            row.count, row.deleted = count, total
            row.save(update_fields=["count", "deleted"])


def grouped(emails: QuerySet[OutboundEmail]) -> Any:
    return emails.values_list("kind", "status").annotate(Count("pk"))


def take_over_deletions(hour: datetime) -> Counter[Group]:
    """Return how many emails of this hour were deleted since it was last counted."""
    rows = [*DeletedEmails.objects.filter(hour=hour)]
    DeletedEmails.objects.filter(pk__in=[row.pk for row in rows]).delete()
    deleted: Counter[Group] = Counter()
    for row in rows:
        deleted[row.kind, row.status] += row.count
    return deleted


def remember_deleted(sender: Any, keys: Collection[UUID], **_: Any) -> None:
    """Receiver of ``emails_deleting``: keep the numbers of the emails that the caller's transaction deletes."""
    deleted: Counter[tuple[datetime, str, str]] = Counter()
    emails = OutboundEmail.objects.filter(pk__in=keys, created_at__gte=oldest_charted(database_now())).order_by()
    for created_at, kind, status in emails.values_list("created_at", "kind", "status"):
        deleted[full_hour(created_at), kind, status] += 1
    DeletedEmails.objects.bulk_create(
        DeletedEmails(hour=hour, kind=kind, status=status, count=count)
        for (hour, kind, status), count in deleted.items()
    )
