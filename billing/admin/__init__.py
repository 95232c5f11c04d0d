"""The admin of billing, which answers: what did Stripe send, what did we do with it, and what did this person pay?"""

from billing.admin.changes import SubscriptionChangeAdmin
from billing.admin.cleanups import CleanupRequestAdmin
from billing.admin.customers import CustomerAdmin
from billing.admin.disputes import DisputeAdmin, EarlyFraudWarningAdmin
from billing.admin.drift import DriftAdmin
from billing.admin.events import StripeEventAdmin
from billing.admin.payments import PaymentAdmin
from billing.admin.subscriptions import SubscriptionAdmin

__all__ = [
    "CleanupRequestAdmin",
    "CustomerAdmin",
    "DisputeAdmin",
    "DriftAdmin",
    "EarlyFraudWarningAdmin",
    "PaymentAdmin",
    "StripeEventAdmin",
    "SubscriptionAdmin",
    "SubscriptionChangeAdmin",
]
