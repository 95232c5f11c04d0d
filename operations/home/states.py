"""The states of rows as badges."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.safestring import SafeString

from billing.models import Dispute, Payment, StripeEvent, Subscription
from common.badges import Tone, badge
from emails.delivery import provider_status
from emails.models import OutboundEmail, ProviderState, Reason, Status, Suppression

EMAILS: Mapping[str, tuple[str, Tone]] = {
    Status.QUEUED: ("Queued", Tone.BUSY),
    Status.SENDING: ("Sending", Tone.BUSY),
    Status.SENT: ("Sent", Tone.BUSY),
    Status.DELIVERED: ("Delivered", Tone.GOOD),
    Status.BOUNCED: ("Bounced", Tone.BAD),
    Status.COMPLAINED: ("Reported as spam", Tone.BAD),
    Status.FAILED: ("Failed", Tone.BAD),
    Status.SUPPRESSED: ("Suppressed", Tone.WARNING),
    Status.EXPIRED: ("Expired", Tone.WARNING),
    Status.CANCELLED: ("Canceled", Tone.QUIET),
}
REASONS: Mapping[str, tuple[str, Tone]] = {
    Reason.OUTCOME_UNKNOWN: ("Outcome unknown", Tone.BAD),
    Reason.QUARANTINED: ("Set aside", Tone.BAD),
}
PROVIDERS: Mapping[str, tuple[str, Tone]] = {
    "ok": ("Working", Tone.GOOD),
    "paused": ("Paused", Tone.BUSY),
    "open": ("Failing", Tone.BAD),
    "misconfigured": ("Needs new settings", Tone.BAD),
    "over_quota": ("Quota used up", Tone.WARNING),
}
PAYMENTS: Mapping[str, tuple[str, Tone]] = {
    Payment.Status.PAID: ("Paid", Tone.GOOD),
    Payment.Status.FAILED: ("Failed", Tone.BAD),
    Payment.Status.CANCELED: ("Canceled", Tone.QUIET),
    Payment.Status.UNCOLLECTIBLE: ("Written off", Tone.QUIET),
}
EVENTS: Mapping[str, tuple[str, Tone]] = {
    StripeEvent.Status.RECEIVED: ("Received", Tone.BUSY),
    StripeEvent.Status.PROCESSED: ("Processed", Tone.GOOD),
    StripeEvent.Status.FAILED: ("Error in our code", Tone.BAD),
}
SUBSCRIPTIONS = {"active": Tone.GOOD, "trialing": Tone.GOOD, "past_due": Tone.BAD, "unpaid": Tone.BAD}


def email_badge(email: OutboundEmail) -> SafeString:
    return badge(*(REASONS.get(email.reason) if email.status == Status.FAILED else None) or EMAILS[email.status])


def provider_badge(state: ProviderState, now: datetime) -> SafeString:
    return badge(*PROVIDERS[provider_status.state_of(state, now)])


def payment_badge(payment: Payment) -> SafeString:
    return badge(*PAYMENTS[payment.status])


def event_badge(event: StripeEvent) -> SafeString:
    return badge(*EVENTS[event.status])


def subscription_badge(subscription: Subscription) -> SafeString:
    return in_words(subscription.status, SUBSCRIPTIONS.get(subscription.status, Tone.QUIET))


def dispute_badge(dispute: Dispute) -> SafeString:
    return in_words(dispute.status, Tone.BAD if dispute.needs_response else Tone.QUIET)


def suppression_badge(suppression: Suppression, now: datetime) -> SafeString:
    if suppression.until is not None and suppression.until <= now:
        return badge("Ended", Tone.GOOD)
    return badge("Suppressed", Tone.WARNING)


def in_words(status: str, tone: Tone) -> SafeString:
    """Return a badge in Stripe's own words."""
    return badge(status.replace("_", " ").capitalize() or "Unknown", tone)
