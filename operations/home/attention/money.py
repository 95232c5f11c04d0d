"""Money that is missing or at risk, and events from Stripe that weren't processed or never arrived."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Sum

from billing.models import (
    Checkout,
    CleanupRequest,
    Dispute,
    Drift,
    EarlyFraudWarning,
    Payment,
    StripeEvent,
    Subscription,
    SubscriptionChange,
)
from billing.webhook import monitoring
from common.admin import change_url
from common.lists import MAX_LISTED
from common.money import format_amount
from operations.home.attention.items import WINDOW, Item, Link, Urgency, bounded, how_many
from operations.home.links import list_url

WAITED_TOO_LONG = timedelta(hours=1)


def disputes(now: datetime) -> Iterator[Item]:
    rows = [*Dispute.objects.ours().unanswered().order_by("evidence_due_at")[: MAX_LISTED + 1]]
    open_rows = [row for row in rows if row.evidence_due_at is None or row.evidence_due_at > now]
    if open_rows:
        first = open_rows[0]
        yield Item(
            Urgency.DEADLINE,
            f"{how_many(len(open_rows), 'dispute needs', 'disputes need')} a response"
            f"{amounts(open_rows)}. Without one, the bank takes the money back.",
            "Submit evidence at Stripe before the deadline.",
            since=min((row.opened_at for row in open_rows if row.opened_at), default=None),
            until=first.evidence_due_at,
            link=Link(list_url(Dispute), "List disputes") if len(open_rows) > 1 else Link(change_url(first), "Open it"),
        )


def amounts(disputed: list[Dispute]) -> str:
    sums: Counter[str] = Counter()
    for dispute in disputed:
        if dispute.currency:
            sums[dispute.currency] += dispute.amount
    return f" ({in_words(sums)})" if sums else ""


def in_words(sums: Counter[str]) -> str:
    return ", ".join(format_amount(amount, currency) for currency, amount in sums.most_common())


def fraud_warnings(now: datetime) -> Iterator[Item]:
    rows = EarlyFraudWarning.objects.filter(is_actionable=True, warned_at__gte=now - WINDOW).exclude(payment=None)
    if count := bounded(rows.order_by()):
        yield Item(
            Urgency.DEADLINE,
            f"A bank suspects fraud in {how_many(count, 'payment', 'payments')}. A refund now can prevent a dispute.",
            "Refund at Stripe what the buyer wouldn't recognize.",
            since=rows.order_by("warned_at").values_list("warned_at", flat=True).first(),
            link=Link(list_url(EarlyFraudWarning, is_actionable__exact="1"), "List warnings"),
        )


def past_due(now: datetime) -> Iterator[Item]:
    """Yield an item if subscriptions wait for a payment, with the sum of what is missing."""
    rows = Subscription.objects.filter(status="past_due").order_by("unpaid_since", "pk")[: MAX_LISTED + 1]
    count = rows.count()
    if not count:
        return
    payments = Payment.objects.filter(pk__in=rows.values("open_payment")).order_by()
    sums = Counter(dict(payments.values_list("currency").annotate(Sum("amount"))))
    yield Item(
        Urgency.WATCH,
        f"{how_many(count, 'subscription is', 'subscriptions are')} past due"
        f"{f' ({in_words(sums)} missing)' if sums else ''}.",
        "Stripe retries the card, and each customer got an email. Write to those who are worth a call.",
        since=rows.values_list("unpaid_since", flat=True)[0],
        link=Link(list_url(Subscription, status__exact="past_due"), "List these subscriptions"),
    )


def stripe_events(now: datetime) -> Iterator[Item]:
    due = StripeEvent.objects.filter(due_at__isnull=False)
    failed = due.filter(status=StripeEvent.Status.FAILED).order_by("due_at")
    count = bounded(failed)
    oldest = min(failed.values_list("received_at", flat=True)[:MAX_LISTED], default=None)
    waiting = due.exclude(waits_for="").filter(received_at__lt=now - WAITED_TOO_LONG).order_by()
    waiting_count = bounded(waiting)
    waiting_since = min(waiting.values_list("received_at", flat=True)[:MAX_LISTED], default=None)
    if count:
        yield Item(
            Urgency.ACTION,
            f"Our own code failed on {how_many(count, 'event', 'events')} from Stripe.",
            "Open one to read the error, and fix the code. They are retried automatically, or with “Process again”.",
            since=oldest,
            link=Link(list_url(StripeEvent, status__exact="failed"), "List these events"),
        )
    if waiting_count:
        yield Item(
            Urgency.WATCH,
            f"{how_many(waiting_count, 'event', 'events')} from Stripe can't be assigned to a customer yet.",
            "Wait for Stripe's event with the customer, or process them again. They are retried for a day.",
            since=waiting_since,
            link=Link(list_url(StripeEvent, status__exact="received"), "List received events"),
        )


def missing_stripe_events(now: datetime) -> Iterator[Item]:
    """Yield an item if Stripe's endpoint is missing, or doesn't get the events that receipts depend on."""
    events = Link(list_url(StripeEvent), "List Stripe events")
    if not StripeEvent.objects.order_by().exists():
        started = Checkout.objects.filter(created_at__lt=now - WAITED_TOO_LONG).exclude(session_id="")
        if started.order_by().exists():
            yield Item(
                Urgency.EVERYTHING_STOPS,
                "People have gone to Stripe's checkout, but not one event from Stripe has arrived.",
                "At Stripe, add an endpoint for /stripe/webhook, and put its secret into STRIPE_WEBHOOK_SECRETS.",
                link=events,
            )
    elif count := monitoring.missing_invoices():
        yield Item(
            Urgency.ACTION,
            f"{how_many(count, 'subscription was', 'subscriptions were')} bought without a receipt, because Stripe "
            "didn't report a paid invoice.",
            "At Stripe, add invoice.paid to the events of your endpoint.",
            since=now - monitoring.LOOK_BACK,
            link=events,
        )


def differences(now: datetime) -> Iterator[Item]:
    rows = Drift.objects.open().order_by("found_at")
    if count := bounded(rows):
        yield Item(
            Urgency.ACTION,
            f"{how_many(count, 'subscription or customer differs', 'subscriptions or customers differ')} from Stripe.",
            "Select them, and choose “Ask Stripe now, and take its state”.",
            since=rows.values_list("found_at", flat=True).first(),
            link=Link(list_url(Drift, closed_at__isempty="1"), "List the differences"),
        )


def failed_cleanups(now: datetime) -> Iterator[Item]:
    rows = CleanupRequest.objects.filter(due_at__isnull=False, failures__gt=0)
    count = bounded(rows.order_by("due_at"))
    oldest = min(rows.order_by("due_at").values_list("created_at", flat=True)[:MAX_LISTED], default=None)
    if count:
        yield Item(
            Urgency.ACTION,
            f"{how_many(count, 'cleanup', 'cleanups')} at Stripe failed. Until it succeeds, Stripe may go on charging "
            "or keep the data of someone who deleted their account.",
            "Check STRIPE_SECRET_KEY and the worker's log. Cleanups are repeated until Stripe confirms them.",
            since=oldest,
            link=Link(list_url(CleanupRequest, done_at__isempty="1"), "List open cleanups"),
        )


def waiting_changes(now: datetime) -> Iterator[Item]:
    rows = SubscriptionChange.objects.filter(due_at__isnull=False, failures__gt=0).order_by("due_at")
    count = bounded(rows)
    oldest = min(rows.values_list("created_at", flat=True)[:MAX_LISTED], default=None)
    if count:
        yield Item(
            Urgency.WATCH,
            f"{how_many(count, 'change', 'changes')} of plans that customers confirmed couldn't be made yet.",
            "Check the worker's log for Stripe's response. Changes are repeated until their outcome is known.",
            since=oldest,
            link=Link(list_url(SubscriptionChange, status__exact="pending"), "List these changes"),
        )
