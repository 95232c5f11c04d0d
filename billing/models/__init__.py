"""Stripe's events, and what they say: customers, checkouts, subscriptions, payments, and refunds."""

from billing.models.cards import Card
from billing.models.changes import SubscriptionChange
from billing.models.checkouts import Checkout
from billing.models.comparisons import Comparison, Drift
from billing.models.customers import Customer, CustomerRequest
from billing.models.disputes import Dispute, EarlyFraudWarning
from billing.models.erasures import CleanupRequest, Erasure, EventAddress
from billing.models.events import StripeEvent
from billing.models.payments import InvoicePayment, Payment, RefundedCharge
from billing.models.subscriptions import Subscription

__all__ = [
    "Card",
    "Checkout",
    "CleanupRequest",
    "Comparison",
    "Customer",
    "CustomerRequest",
    "Dispute",
    "Drift",
    "EarlyFraudWarning",
    "Erasure",
    "EventAddress",
    "InvoicePayment",
    "Payment",
    "RefundedCharge",
    "StripeEvent",
    "Subscription",
    "SubscriptionChange",
]
