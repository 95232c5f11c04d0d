"""What happened to a person's money, as entries of the timeline in the admin. Each leads to its row and to Stripe."""

import json
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.http import urlencode

from accounts.hooks import Category, Stretch, TimelineEntry, TimelineSource
from accounts.models import User
from billing import states
from billing.models import (
    Checkout,
    Dispute,
    EarlyFraudWarning,
    InvoicePayment,
    Payment,
    RefundedCharge,
    StripeEvent,
    Subscription,
)
from billing.models import SubscriptionChange as Change
from billing.payloads.objects import StripeObject
from billing.privacy import events_of
from billing.services import charges
from billing.stripe_pages import at_stripe, stripe_page
from common.badges import State, Tone
from common.links import change_url
from common.money import format_amount

PAYMENT_PENDING = State("Payment pending", Tone.BUSY)
CHECKOUT_OPEN = State("Open", Tone.BUSY)
CHECKOUT_CLOSED = State("Closed", Tone.QUIET)
# By Stripe's own words: https://docs.stripe.com/api/refunds/object#refund_object-status
REFUNDS = {
    "succeeded": State("Refunded", Tone.GOOD),
    "pending": State("Refund pending", Tone.BUSY),
    "requires_action": State("Needs the customer", Tone.WARNING),
    "failed": State("Refund failed", Tone.BAD),
    "canceled": State("Refund canceled", Tone.QUIET),
}


def payments(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    rows = Payment.objects.of(user.pk).annotate(moment=Coalesce("paid_at", "last_failed_at", "created_at"))
    # The refunds only of those that are shown, because each payment costs subqueries.
    keys = [*stretch.newest(rows, "moment").values_list("pk", flat=True)]
    for payment in Payment.objects.filter(pk__in=keys).with_refunds().order_by("pk"):
        yield TimelineEntry(
            at=payment.paid_at or payment.last_failed_at or payment.created_at,
            what=f"Payment of {payment.display_amount}",
            detail=" · ".join(filter(None, [payment.description, payment.number, *next_steps(payment)])),
            url=change_url(payment),
            badge=states.payment_state(payment).badge,
            links=at_stripe(stripe_page(payment.stripe_id, payment.payment_intent, payment.charge)),
        )


def next_steps(payment: Payment) -> Iterator[str]:
    """Yield what happens to a payment that failed."""
    if payment.is_awaiting_action:
        yield "the customer has to confirm it with their bank"
    if payment.is_open:
        attempt_at = payment.upcoming_attempt_at
        yield f"next attempt {attempt_at:%Y-%m-%d %H:%M} UTC" if attempt_at else "no further attempt"


def subscriptions(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    for subscription in Subscription.objects.of(user.pk)[: stretch.limit]:
        if subscription.updated_at:
            yield TimelineEntry(
                at=subscription.updated_at,
                what=f"Subscription to {subscription.plan_name}" if subscription.plan_name else "Subscription",
                detail=subscription.pk,
                url=change_url(subscription),
                badge=states.subscription_state(subscription).badge,
                links=at_stripe(stripe_page(subscription.pk)),
            )


def changes(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    for change in stretch.newest(Change.objects.of(user.pk), "created_at"):
        yield TimelineEntry(
            change.created_at,
            f"Subscription: {change}",
            change.refusal.replace("_", " "),
            change_url(change),
            states.change_state(change).badge,
            at_stripe(stripe_page(change.subscription_id)),
        )


def refunds(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    """Yield an entry for each refund, at the time of its newest report."""
    payments = payments_by_name(user)
    refunded = [*charges.refunded_charges({*payments})]
    times = times_of([name for charge in refunded for name in names_without_time(charge)])
    for charge in refunded:
        names = (charge.charge, charge.payment_intent, charge.pk)
        payment = next((payments[name] for name in names if name in payments), None)
        for refund_id, amount, status, at in refunds_of(charge, times):
            if moment := at or (payment and payment.paid_at):
                yield TimelineEntry(
                    at=moment,
                    what=f"Refund of {format_amount(amount, charge.currency)}",
                    detail=refund_id,
                    url=change_url(payment) if payment else "",
                    badge=(REFUNDS.get(status) or states.named_by_stripe(status)).badge,
                    links=at_stripe(stripe_page(charge.payment_intent, charge.charge, charge.pk)),
                )


def payments_by_name(user: User) -> dict[str, Payment]:
    """Return the user's payments by the IDs of their charges and payment intents."""
    paid = Payment.objects.of(user.pk).only("stripe_id", "charge", "payment_intent", "paid_at")
    by_invoice = {payment.stripe_id: payment for payment in paid}
    found = {name: payment for payment in paid for name in (payment.charge, payment.payment_intent) if name}
    for link in InvoicePayment.objects.filter(invoice__in=[*by_invoice]):
        found[link.payment_intent] = by_invoice[link.invoice]
    return found


def names_without_time(charge: RefundedCharge) -> list[str]:
    """Return the IDs of refunds whose time isn't stored, or of the charge if only the total was reported."""
    known = charge.known_refunds
    return [name for name, refund in known.items() if not refund["version"]] if known else [charge.pk]


def refunds_of(charge: RefundedCharge, times: dict[str, datetime]) -> Iterator[tuple[str, int, str, datetime | None]]:
    """Yield the ID, amount, status, and time of each refund, or of all together if only their total was reported."""
    known = charge.known_refunds
    for refund_id, refund in known.items():
        at = charges.moment_of(refund["version"]) or times.get(refund_id)
        yield refund_id, refund["amount"], refund["status"], at
    if not known and charge.refunded_total:
        yield charge.pk, charge.refunded_total, "succeeded", times.get(charge.pk)


def times_of(object_ids: list[str]) -> dict[str, datetime]:
    """Return when Stripe last reported something about each of these objects."""
    if not object_ids:
        return {}
    events = StripeEvent.objects.filter(object_id__in=object_ids).order_by().values("object_id")
    return {row["object_id"]: row["newest"] for row in events.annotate(newest=Max("created_at"))}


def disputes(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    """Yield an entry for each dispute and each early warning, at the time of its newest report."""
    names = charges.names_of(Payment.objects.of(user.pk))
    for dispute in charges.disputes(names):
        if at := charges.moment_of(dispute.version) or dispute.opened_at:
            badge = states.dispute_state(dispute).badge
            what = f"Dispute about {dispute.display_amount}".strip()
            yield TimelineEntry(at, what, about(dispute), change_url(dispute), badge, at_stripe(dispute.stripe_url))
    for warning in EarlyFraudWarning.objects.filter(payment__in=Payment.objects.of(user.pk).values("pk")):
        if at := charges.moment_of(warning.version) or warning.warned_at:
            badge, page = states.warning_state(warning).badge, at_stripe(warning.stripe_url)
            reason = warning.fraud_type.replace("_", " ")
            yield TimelineEntry(at, "Early fraud warning", reason, change_url(warning), badge, page)


def checkouts(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    rows = [*stretch.newest(Checkout.objects.filter(user=user), "created_at")]
    pending = pending_sessions([checkout.session_id for checkout in rows if checkout.product])
    for checkout in rows:
        is_pending, is_open = checkout.session_id in pending, checkout.closed_at is None
        state = PAYMENT_PENDING if is_pending else CHECKOUT_OPEN if is_open else CHECKOUT_CLOSED
        url = f"{reverse('admin:billing_stripeevent_changelist')}?{urlencode({'q': checkout.session_id})}"
        what = f"Checkout for {checkout.plan or checkout.product}"
        yield TimelineEntry(checkout.created_at, what, url=url if checkout.session_id else "", badge=state.badge)


def pending_sessions(session_ids: list[str]) -> set[str]:
    """Return the sessions with a delayed payment, such as a bank debit, that is still on its way."""
    reports = StripeEvent.objects.filter(object_id__in=[*filter(None, session_ids)]).order_by()
    settled = {*reports.filter(type__startswith="checkout.session.async_payment").values_list("object_id", flat=True)}
    completed = reports.filter(type="checkout.session.completed").exclude(body="").values_list("object_id", "body")
    statuses = {
        session_id: StripeObject(json.loads(body)).inner("data", "object").text("payment_status")
        for session_id, body in completed
    }
    return {session_id for session_id, status in statuses.items() if status == "unpaid"} - settled


def about(dispute: Dispute) -> str:
    due = f"evidence is due {dispute.evidence_due_at:%Y-%m-%d %H:%M} UTC" if dispute.evidence_due_at else ""
    return " · ".join(filter(None, [dispute.reason.replace("_", " "), due if dispute.needs_response else ""]))


def events(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    return event_entries(events_of(user), stretch)


def unprocessed_events(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    """Yield the events that haven't taken effect. What the others did is in the entries above."""
    return event_entries(events_of(user).exclude(status=StripeEvent.Status.PROCESSED), stretch)


def event_entries(rows: QuerySet[StripeEvent], stretch: Stretch) -> Iterator[TimelineEntry]:
    for event in stretch.newest(rows.defer("body", "error"), "created_at"):
        yield TimelineEntry(
            event.created_at,
            event.type,
            event.note,
            change_url(event),
            states.event_state(event).badge,
            at_stripe(stripe_page(event.pk, is_live=event.livemode)),
        )


SOURCES = [
    *(
        TimelineSource(Category.MONEY, source)
        for source in (payments, subscriptions, changes, refunds, disputes, checkouts, unprocessed_events)
    ),
    TimelineSource(Category.EVENTS, events),
]
