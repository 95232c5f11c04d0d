"""The charts of email, by state and by kind."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import F, Sum

from emails.models import Status
from operations.home.charts.drawing import Chart, Series
from operations.home.charts.periods import Period, Time
from operations.models import EmailCount

# The states that a chart shows as one, in the order of the stack.
STATES: Mapping[str, Sequence[str]] = {
    "delivered": [Status.DELIVERED],
    "sent, no report yet": [Status.SENT],
    "waiting": [Status.QUEUED, Status.SENDING],
    "bounced or spam": [Status.BOUNCED, Status.COMPLAINED],
    "failed": [Status.FAILED],
    "not sent": [Status.SUPPRESSED, Status.EXPIRED, Status.CANCELLED],
}
MAX_KINDS = 5  # the others are one series
FIRST_KIND = 7  # the number of the first color and pattern that no state uses
OTHER_EMAIL = "other email"  # from send_mail() and third-party apps

Counts = dict[str, list[tuple[Time, int]]]  # the number of emails by hour or day, for each state or kind


def counted_by(column: str, period: Period) -> Counts:
    """Return the counts of the period, added up by this column."""
    rows = EmailCount.objects.filter(**{f"{period.column}__gte": period.start}).values_list(column, period.column)
    counts: Counts = defaultdict(list)
    for value, time, total in rows.annotate(total=Sum(F("count") + F("deleted"))).order_by():
        counts[value].append((time, total))
    return counts


def by_state(period: Period, name: str) -> Chart:
    counts = counted_by("status", period)
    values = {
        label: period.spread(pair for status in statuses for pair in counts.get(status, ()))
        for label, statuses in STATES.items()
    }
    series = [Series(number, label, values[label]) for number, label in enumerate(STATES, start=1)]
    return Chart(name, f"Email by state, {period.title.lower()}", period.buckets, series, write)


def by_kind(period: Period, name: str) -> Chart:
    values = {kind: period.spread(pairs) for kind, pairs in counted_by("kind", period).items()}
    kinds = sorted(filter(lambda kind: sum(values[kind]), values), key=lambda kind: -sum(values[kind]))
    named = {kind.replace("_", " ") or OTHER_EMAIL: values[kind] for kind in kinds[:MAX_KINDS]}
    if rest := kinds[MAX_KINDS:]:
        named[f"{len(rest)} other kinds" if len(rest) > 1 else "1 other kind"] = added(values[kind] for kind in rest)
    series = [Series(number, label, named[label]) for number, label in enumerate(named, start=FIRST_KIND)]
    return Chart(name, f"Email by kind, {period.title.lower()}", period.buckets, series, write)


def added(lists: Iterable[list[int]]) -> list[int]:
    return [sum(column) for column in zip(*lists, strict=True)]


def write(count: int) -> str:
    return f"{count:,}"
