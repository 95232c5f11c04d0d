"""Stripe's objects as webhook events and its API deliver them: https://docs.stripe.com/api

Two generations are in use. A webhook endpoint keeps the API version it was created with, and version 2025-03-31 moved
many fields, so every reader looks in both places.
"""

from billing.payloads.cards import CardState, default_method_of
from billing.payloads.charges import Charge, DisputeState, FraudWarning, Refund
from billing.payloads.checkout_sessions import CheckoutSession
from billing.payloads.customers import CustomerRef
from billing.payloads.invoices import Invoice, InvoiceLine
from billing.payloads.marks import PRODUCT, mark
from billing.payloads.objects import StripeObject, UnusableObject
from billing.payloads.payers import BillingDetails, PaymentMethod
from billing.payloads.previews import Preview, PreviewLine
from billing.payloads.schedules import Phase, Schedule
from billing.payloads.subscriptions import SubscriptionState
from billing.payloads.upcoming import UpcomingInvoice

__all__ = [
    "PRODUCT",
    "BillingDetails",
    "CardState",
    "Charge",
    "CheckoutSession",
    "CustomerRef",
    "DisputeState",
    "FraudWarning",
    "Invoice",
    "InvoiceLine",
    "PaymentMethod",
    "Phase",
    "Preview",
    "PreviewLine",
    "Refund",
    "Schedule",
    "StripeObject",
    "SubscriptionState",
    "UnusableObject",
    "UpcomingInvoice",
    "default_method_of",
    "mark",
]
