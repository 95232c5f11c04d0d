"""What staff read first on a page of billing: the state in one sentence, and what to do."""

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone

from billing.models import (
    CleanupRequest,
    Customer,
    Dispute,
    Drift,
    EarlyFraudWarning,
    Payment,
    StripeEvent,
    Subscription,
    SubscriptionChange,
)
from common.admin import to_the_second

Words = tuple[str, str]  # a sentence, and what a person can do, if anything

SUBSCRIPTIONS: Mapping[str, Words] = {
    "active": ("It is active.", ""),
    "trialing": ("It is in its trial{trial_end}.", ""),
    "incomplete": ("The first payment hasn't succeeded yet.", "The customer can pay on the billing page."),
    "past_due": (
        "A payment is missing{unpaid_since}, and Stripe charges the card again later.",
        "The customer got an email and can pay on the billing page.",
    ),
    "unpaid": (
        "A payment is missing{unpaid_since}, and Stripe has given up.",
        "The customer can pay on the billing page.",
    ),
    "paused": ("It is paused, because its trial ended without a card.", "The customer can add a card."),
    "canceled": ("It ended{ended_at}.", ""),
    "incomplete_expired": ("It ended, because the first payment never succeeded.", ""),
}
PAYMENTS: Mapping[str, str] = {
    Payment.Status.PAID: "{amount} was paid{paid_at}.",
    Payment.Status.CANCELED: "The invoice of {amount} was canceled.",
    Payment.Status.UNCOLLECTIBLE: "The invoice of {amount} was written off.",
}
PAY = "The customer got an email and can pay on the billing page."
DISPUTES: Mapping[str, Words] = {
    "needs_response": (
        "The buyer asked the bank for {amount} back.",
        "Respond at Stripe{by}, or refund the payment there.",
    ),
    "warning_needs_response": ("The bank asks about {amount}. No money was taken yet.", "Respond at Stripe{by}."),
    "under_review": ("The bank is reviewing our response about {amount}.", ""),
    "warning_under_review": ("The bank is reviewing our response to its question about {amount}.", ""),
    "won": ("We won the dispute about {amount}.", ""),
    "lost": ("We lost the dispute, and the buyer got {amount} back.", ""),
    "warning_closed": ("The bank's question about {amount} is settled.", ""),
    "prevented": ("The dispute about {amount} was prevented.", ""),
}


def payment_words(payment: Payment) -> Words:
    sentence = (
        failed_words(payment)
        if payment.is_open
        else PAYMENTS[payment.status].format(amount=payment.display_amount, paid_at=at(payment.paid_at))
    )
    if payment.is_disputed:
        return f"{sentence} The buyer's bank disputes it.", "See its dispute below."
    if payment.amount_refunded:
        return f"{sentence} {payment.display_amount_refunded} of it was refunded.", ""
    if payment.is_awaiting_action:
        return f"{payment.display_amount} isn't paid yet: the bank asks the customer to confirm it.", PAY
    if payment.is_paid and payment.has_fraud_warning:
        return f"{sentence} The card's bank suspects fraud.", "A refund at Stripe may prevent a dispute."
    return sentence, PAY if payment.is_open else ""


def failed_words(payment: Payment) -> str:
    upcoming = payment.upcoming_attempt_at
    again = f" Stripe tries again at {to_the_second(upcoming)}." if upcoming else ""
    return f"The payment of {payment.display_amount} failed{at(payment.last_failed_at)}.{again}"


def at(moment: datetime | None, word: str = "at") -> str:
    return f" {word} {to_the_second(moment)}" if moment else ""


def subscription_words(subscription: Subscription) -> Words:
    plain = (f"Stripe reports it as {subscription.status or 'unknown'}.", "")
    words = SUBSCRIPTIONS.get(subscription.status, plain)
    values = {
        "trial_end": at(subscription.trial_end, "until"),
        "unpaid_since": at(subscription.unpaid_since, "since"),
        "ended_at": at(subscription.ended_at),
    }
    sentence, advice = (text.format(**values) for text in words)
    if subscription.cancel_at and not subscription.is_final:
        sentence += f" It ends at {to_the_second(subscription.cancel_at)}."
    if subscription.is_collection_paused:
        sentence += " Nothing is collected at the moment."
    access = "It gives access." if subscription.gives_access else "It gives no access."
    return f"{sentence} {access}", advice


def dispute_words(dispute: Dispute) -> Words:
    if dispute.has_evidence and dispute.status in ("needs_response", "warning_needs_response"):
        return (
            f"We responded to the dispute about {dispute.display_amount}.",
            "",
        )
    plain = (f"Stripe reports it as {dispute.status or 'unknown'}.", "")
    by = at(dispute.evidence_due_at, "by")
    sentence, advice = (
        text.format(amount=dispute.display_amount, by=by) for text in DISPUTES.get(dispute.status, plain)
    )
    return sentence, advice


def warning_words(warning: EarlyFraudWarning) -> Words:
    sentence = "The card's bank suspects that this payment is fraudulent."
    return sentence, "A refund at Stripe can still prevent a dispute." if warning.is_actionable else ""


def event_words(event: StripeEvent) -> Words:
    if event.status == StripeEvent.Status.FAILED:
        last = event.error.strip().splitlines()[-1:] or [""]
        repeated = f" It is processed again{at(event.due_at)}." if event.due_at else ""
        return f"Our own code failed on it: {last[0]}", f"Fix the error below.{repeated}"
    if event.status == StripeEvent.Status.RECEIVED:
        return f"It arrived and isn't processed yet. {event.note}".strip(), waiting_advice(event)
    return f"It was processed{at(event.processed_at)}. {event.note}".strip(), ""


def waiting_advice(event: StripeEvent) -> str:
    is_late = event.due_at is not None and event.due_at < timezone.now()
    return "It is overdue. Start a Celery worker and Celery beat." if is_late and not event.waits_for else ""


def change_words(change: SubscriptionChange) -> Words:
    if change.status == SubscriptionChange.Status.DONE:
        return f"Stripe made the change{at(change.finished_at)}.", ""
    if change.status == SubscriptionChange.Status.REFUSED:
        return f"The change was refused: {change.refusal.replace('_', ' ')}.", "The person can try again."
    if change.failures:
        return f"Stripe couldn't be asked {change.failures} times.", f"The next attempt is{at(change.due_at)}."
    return "Stripe is being asked to make the change.", ""


def drift_words(drift: Drift) -> Words:
    if drift.closed_at:
        return f"This database and Stripe agree again since {to_the_second(drift.closed_at)}.", ""
    return (
        "This database and Stripe differ, although no event about it is on its way.",
        "Select it in the list and choose “Ask Stripe now, and take its state”.",
    )


def cleanup_words(cleanup: CleanupRequest) -> Words:
    if cleanup.done_at:
        return f"Stripe confirmed it{at(cleanup.done_at)}.", ""
    if cleanup.failures:
        return f"{cleanup.failures} attempts at Stripe failed.", f"The next one is{at(cleanup.due_at)}."
    return "Stripe will be asked soon.", ""


def customer_words(customer: Customer) -> Words:
    if customer.erased_at:
        return "The person was erased. Nothing about them is stored again.", ""
    if customer.deleted_at:
        return f"The customer was deleted at Stripe{at(customer.deleted_at)}.", ""
    if customer.user is None:
        return "The customer has no account here.", ""
    if customer.email and customer.email != customer.user.email:
        return (
            f"Stripe knows {customer.user.email} as {customer.email}.",
            "Stripe's own emails go to that email address.",
        )
    return f"The customer is {customer.user}.", ""
