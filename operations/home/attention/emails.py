"""Emails that failed or wait for too long."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from emails.models import OutboundEmail, Reason, Status
from emails.models.list_indexes import newest_with
from emails.monitoring import LATE_AFTER
from emails.support.explanations import FAILURES
from operations.home.attention.items import WINDOW, Item, Link, Urgency, bounded, how_many
from operations.home.links import as_parameter, list_url

# What happened to the emails that failed for each reason. What helps is what their pages say as well.
SENTENCES: Mapping[str, str] = {
    Reason.QUARANTINED: "set aside after several workers died",
    Reason.OUTCOME_UNKNOWN: "stopped with an unknown outcome",
    Reason.REFUSED: "rejected by the provider",
    Reason.UNSUPPORTED: "not supported by the provider",
    Reason.GAVE_UP: "given up after two days",
}


def failed_emails(now: datetime) -> Iterator[Item]:
    """Yield an item for each reason for which emails failed in the last week."""
    start = now - WINDOW
    for reason, sentence in SENTENCES.items():
        rows = newest_with(OutboundEmail.objects.all(), "reason", reason)
        failed = rows.filter(created_at__gte=start, status=Status.FAILED)
        count = bounded(failed)
        oldest = failed.order_by("listed", "created_at").values_list("created_at", flat=True).first()
        if count:
            yield Item(
                Urgency.ACTION,
                f"{how_many(count, 'email was', 'emails were')} {sentence}.",
                FAILURES[reason][1],
                since=oldest,
                link=Link(
                    list_url(OutboundEmail, reason__exact=reason, created_at__gte=as_parameter(start)),
                    "List these emails",
                ),
            )


def late_emails(now: datetime) -> Iterator[Item]:
    """Yield an item if emails have been due for minutes, or are held by a worker that died."""
    limit = now - LATE_AFTER
    due = OutboundEmail.objects.due(limit)
    count = bounded(due.order_by()) + bounded(OutboundEmail.objects.stalled(limit).order_by())
    oldest = due.order_by("due_at").values_list("due_at", flat=True).first() if count else None
    if count:
        yield Item(
            Urgency.EVERYTHING_STOPS,
            f"{how_many(count, 'email has', 'emails have')} been due for more than 5 minutes.",
            "See whether a worker runs and the provider works. If both do, more workers empty the queue faster.",
            since=oldest,
            link=Link(list_url(OutboundEmail, status__exact=Status.QUEUED), "List queued emails"),
        )
