"""The states of rows as badges, in the words of the lists."""

from datetime import datetime

from django.utils.safestring import SafeString

from accounts.admin.states import account_state
from accounts.models import User
from billing import states as billing
from billing.models import Customer, Dispute, EarlyFraudWarning, Payment, StripeEvent, Subscription, SubscriptionChange
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, ProviderState, Suppression
from emails.support import states as emails


def user_badge(user: User) -> SafeString:
    return account_state(user).badge


def email_badge(email: OutboundEmail) -> SafeString:
    return emails.state_of(email).badge


def attempt_badge(attempt: DeliveryAttempt) -> SafeString:
    return emails.attempt_state(attempt).badge


def delivery_event_badge(event: DeliveryEvent) -> SafeString:
    return emails.event_state(event).badge


def provider_badge(state: ProviderState, now: datetime) -> SafeString:
    return emails.provider_state(state, now).badge


def suppression_badge(suppression: Suppression, now: datetime) -> SafeString:
    return emails.suppression_state(suppression, now).badge


def customer_badge(customer: Customer) -> SafeString:
    return billing.customer_state(customer).badge


def payment_badge(payment: Payment) -> SafeString:
    return billing.payment_state(payment).badge


def subscription_badge(subscription: Subscription) -> SafeString:
    return billing.subscription_state(subscription).badge


def dispute_badge(dispute: Dispute) -> SafeString:
    return billing.dispute_state(dispute).badge


def warning_badge(warning: EarlyFraudWarning) -> SafeString:
    return billing.warning_state(warning).badge


def stripe_event_badge(event: StripeEvent) -> SafeString:
    return billing.event_state(event).badge


def change_badge(change: SubscriptionChange) -> SafeString:
    return billing.change_state(change).badge
