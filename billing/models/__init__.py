"""Stripe's events, and what they say: customers, checkouts, subscriptions, payments, and refunds."""

from billing.models.cards import Card
from billing.models.changes import SubscriptionChange
from billing.models.checkouts import Checkout
from billing.models.customers import Customer, CustomerRequest
from billing.models.disputes import Dispute
from billing.models.erasures import CleanupRequest, Erasure, EventAddress
from billing.models.events import StripeEvent
from billing.models.payments import InvoicePayment, Payment, RefundedCharge
from billing.models.subscriptions import Subscription

__all__ = [
    "Card",
    "Checkout",
    "CleanupRequest",
    "Customer",
    "CustomerRequest",
    "Dispute",
    "Erasure",
    "EventAddress",
    "InvoicePayment",
    "Payment",
    "RefundedCharge",
    "StripeEvent",
    "Subscription",
    "SubscriptionChange",
]
