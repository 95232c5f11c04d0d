"""Counts payments by the hour in which they were paid or failed, and refunds by the hour in which they were made."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncHour

from billing.models import Payment, RefundedCharge, StripeEvent
from common.db import database_now, index_walks, insert_if_absent
from operations.models import MoneyCount
from operations.rollups.hours import HOUR, Hours, Subject, count_round, day_of, full_hour, oldest_charted

Flow = MoneyCount.Flow
Key = tuple[datetime, str, str]  # hour, flow, and currency
Sums = dict[Key, tuple[int, int]]  # how many, and how much

REFUND_EVENTS = ("charge.refund", "refund.")  # how the names of their types begin
RECENT = timedelta(minutes=10)
MANY = 24  # hours, in a round that counts everything again
UNPAID = ~Q(status=Payment.Status.PAID)


def count_money() -> int:
    """Count the hours that are due, and the refunds if there is news of one. Returns how many hours. Safe to repeat."""
    now = database_now()
    MoneyCount.objects.filter(hour__lt=oldest_charted(now)).delete()
    hours = count_round(Subject.MONEY, changed_since, count_hours)
    # Refunds are stored with their charge and without an index on the time, so all of them are read.
    if hours > MANY or has_news_of_refunds(now):
        count_refunds(oldest_charted(now))
    return hours


def changed_since(since: datetime) -> Iterator[datetime]:
    """Yield when the payments failed that were paid since then."""
    with index_walks():
        paid = Payment.objects.filter(paid_at__gte=since, last_failed_at__isnull=False).order_by()
        yield from filter(None, paid.values_list("last_failed_at", flat=True))


def count_hours(hours: Hours) -> None:
    """Replace the counts of consecutive hours, except for those of refunds."""
    paid = Payment.objects.filter(status=Payment.Status.PAID)
    with index_walks():
        sums: Sums = dict(summed(paid, Flow.PAID, "paid_at", hours))
        sums |= summed(Payment.objects.filter(UNPAID), Flow.FAILED, "last_failed_at", hours)
    replace(MoneyCount.objects.filter(hour__in=hours).exclude(flow=Flow.REFUNDED), sums)


def summed(payments: QuerySet[Payment], flow: str, column: str, hours: Hours) -> Iterator[tuple[Key, tuple[int, int]]]:
    """Yield the number and the sum of the payments whose time in the column is in one of the hours."""
    rows: Any = payments.filter(**{f"{column}__gte": min(hours), f"{column}__lt": max(hours) + HOUR}).order_by()
    by_hour = rows.annotate(hour=TruncHour(column, tzinfo=UTC)).values_list("hour", "currency")
    for hour, currency, count, amount in by_hour.annotate(Count("pk"), Sum("amount")):
        yield (hour, flow, currency), (count, amount)


def has_news_of_refunds(now: datetime) -> bool:
    is_about_refund = Q()
    for prefix in REFUND_EVENTS:
        is_about_refund |= Q(type__startswith=prefix)
    with index_walks():
        return StripeEvent.objects.filter(is_about_refund, received_at__gte=now - RECENT).order_by().exists()


def count_refunds(oldest: datetime) -> None:
    """Replace the counts of all refunds since this hour."""
    counts: Counter[tuple[datetime, str]] = Counter()
    amounts: Counter[tuple[datetime, str]] = Counter()
    for charge in RefundedCharge.objects.only("refunds", "currency", "amount", "reported_total", "charge").iterator():
        for at, amount in refunds_of(charge):
            if at >= oldest:
                counts[full_hour(at), charge.currency] += 1
                amounts[full_hour(at), charge.currency] += amount
    found: Sums = {(hour, Flow.REFUNDED, code): (count, amounts[hour, code]) for (hour, code), count in counts.items()}
    with transaction.atomic():
        replace(MoneyCount.objects.filter(flow=Flow.REFUNDED, hour__gte=oldest), found)


def refunds_of(charge: RefundedCharge) -> Iterator[tuple[datetime, int]]:
    """Yield when each refund of the charge was made, and its amount."""
    left = charge.amount
    for refund in charge.known_refunds.values():
        seconds = refund["version"].partition(".")[0]
        if refund["status"] == "succeeded" and seconds and left > 0:
            amount = min(refund["amount"], left)  # never more than was paid
            left -= amount
            yield datetime.fromtimestamp(int(seconds), UTC), amount
    if left > 0 and (at := last_reported(charge)):
        yield at, left


def last_reported(charge: RefundedCharge) -> datetime | None:
    """Return when Stripe last reported the charge, as long as its events are stored.

    Older versions of Stripe's API report the total of a charge without its refunds.
    """
    events = StripeEvent.objects.filter(object_id=charge.charge or charge.pk).exclude(object_id="")
    return events.order_by("-created_at").values_list("created_at", flat=True).first()


def replace(stored: QuerySet[MoneyCount], found: Sums) -> None:
    """Make the stored rows equal to what was found."""
    rows = {*stored.values_list("hour", "flow", "currency")}
    missing = sorted(found.keys() - rows)
    insert_if_absent([MoneyCount(hour=h, day=day_of(h), flow=flow, currency=code) for h, flow, code in missing])
    changed, gone = [], []
    for row in stored.all():
        count, amount = found.get((row.hour, row.flow, row.currency), (0, 0))
        if not count:
            gone.append(row.pk)
        elif (count, amount, day_of(row.hour)) != (row.count, row.amount, row.day):
            row.count, row.amount, row.day = count, amount, day_of(row.hour)
            changed.append(row)
    MoneyCount.objects.bulk_update(changed, ["count", "amount", "day"], batch_size=100)
    MoneyCount.objects.filter(pk__in=gone).delete()
