"""How each kind of row looks among the results of a search."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Model

from accounts.models import User
from billing.models import Customer, Dispute, EarlyFraudWarning, Payment, StripeEvent, Subscription, SubscriptionChange
from common.admin import change_url
from common.db import database_now
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Suppression
from operations.home import states
from operations.home.search.hits import Hit


def described(row: Model) -> Hit:
    return DESCRIPTIONS[type(row)](row)


def user_hit(user: User) -> Hit:
    return Hit(change_url(user), user.email, user.name, states.user_badge(user), user.date_joined)


def email_hit(email: OutboundEmail) -> Hit:
    detail = " ".join(filter(None, [email.kind, f"to {email.recipients}" if email.recipients else "(erased)"]))
    return Hit(
        change_url(email), email.subject or "Without a subject", detail, states.email_badge(email), email.created_at
    )


def attempt_hit(attempt: DeliveryAttempt) -> Hit:
    return Hit(
        change_url(attempt), str(attempt.pk), attempt.provider, states.attempt_badge(attempt),
        attempt.created_at,
    )  # fmt: skip


def delivery_event_hit(event: DeliveryEvent) -> Hit:
    state = states.delivery_event_badge(event)
    return Hit(change_url(event), event.provider, event.recipient, state, event.occurred_at)


def suppression_hit(suppression: Suppression) -> Hit:
    state = states.suppression_badge(suppression, database_now())
    detail = f"{suppression.get_cause_display()}: {suppression.get_scope_display()}"
    return Hit(change_url(suppression), suppression.address, detail, state, suppression.created_at)


def customer_hit(customer: Customer) -> Hit:
    detail = customer.user.email if customer.user else customer.email
    return Hit(change_url(customer), customer.pk, detail, states.customer_badge(customer), customer.created_at)


def subscription_hit(subscription: Subscription) -> Hit:
    label = " ".join(filter(None, [subscription.plan_name, subscription.pk]))
    return Hit(
        change_url(subscription), label, subscription.display_amount, states.subscription_badge(subscription),
        subscription.updated_at,
    )  # fmt: skip


def payment_hit(payment: Payment) -> Hit:
    detail = " ".join(filter(None, [payment.description, payment.number, payment.stripe_id]))
    return Hit(
        change_url(payment), payment.display_amount, detail, states.payment_badge(payment),
        payment.paid_at or payment.last_failed_at or payment.created_at,
    )  # fmt: skip


def dispute_hit(dispute: Dispute) -> Hit:
    label = " ".join(filter(None, [dispute.display_amount, dispute.pk]))
    detail = dispute.reason.replace("_", " ")
    return Hit(change_url(dispute), label, detail, states.dispute_badge(dispute), dispute.opened_at)


def warning_hit(warning: EarlyFraudWarning) -> Hit:
    detail = warning.fraud_type.replace("_", " ")
    return Hit(change_url(warning), warning.pk, detail, states.warning_badge(warning), warning.warned_at)


def stripe_event_hit(event: StripeEvent) -> Hit:
    label = f"{event.type} {event.pk}"
    return Hit(change_url(event), label, event.note, states.stripe_event_badge(event), event.received_at)


def change_hit(change: SubscriptionChange) -> Hit:
    return Hit(change_url(change), str(change), "", states.change_badge(change), change.created_at)


DESCRIPTIONS: Mapping[type[Model], Callable[[Any], Hit]] = {
    User: user_hit,
    OutboundEmail: email_hit,
    DeliveryAttempt: attempt_hit,
    DeliveryEvent: delivery_event_hit,
    Suppression: suppression_hit,
    Customer: customer_hit,
    Subscription: subscription_hit,
    Payment: payment_hit,
    Dispute: dispute_hit,
    EarlyFraudWarning: warning_hit,
    StripeEvent: stripe_event_hit,
    SubscriptionChange: change_hit,
}
