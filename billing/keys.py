"""The idempotency keys of billing's emails: what makes each happen once.

Staff search the outbox for them, and old rows contain them. A changed key would send an email to the same person for
the same occasion again.
"""

import hashlib
from datetime import datetime

from billing.models import Card, Dispute, Payment, Subscription
from billing.payloads import SubscriptionState

MAX_KEY_LENGTH = 255
# The steps of a dispute that staff hear about.
OPENED, LOST, WON, CLOSED, EVIDENCE_DUE = "opened", "lost", "won", "closed", "evidence_due"


def receipt_key(payment: Payment, *, again: str = "") -> str:
    """``again`` identifies a receipt that staff send once more."""
    return f"receipt:{payment.stripe_id}:{again}" if again else f"receipt:{payment.stripe_id}"


def dunning_key(payment: Payment, attempt: int | None = None) -> str:
    """One key for each attempt to collect. Stripe announces some attempts in two events."""
    return f"dunning:{payment.stripe_id}:{payment.attempt if attempt is None else attempt}"


def subscription_unpaid_key(subscription: Subscription) -> str:
    """One key for each invoice that Stripe gave up on. The customer can pay it, and fail again years later."""
    return f"unpaid:{subscription.pk}:{subscription.latest_invoice}"


def renewal_key(subscription: Subscription) -> str:
    return f"renewal:{subscription.pk}:{seconds(subscription.current_period_end)}"


def card_expiring_key(card: Card) -> str:
    """One key for each expiry date, because banks renew cards under the same ID."""
    return f"card_expiring:{card.pk}:{card.month}"


def checkout_failed_key(payment: Payment) -> str:
    return f"failed:{payment.stripe_id}"


def refund_key(change: str) -> str:
    return f"refund:{change}"


def refund_failed_key(refund_id: str) -> str:
    return f"refund_failed:{refund_id}"


def trial_ending_key(subscription: Subscription) -> str:
    """One key for each end date, because a trial can be extended."""
    return f"trial:{subscription.pk}:{seconds(subscription.trial_end)}"


def subscription_ended_key(subscription: SubscriptionState) -> str:
    return f"ended:{subscription.id}"


def seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0


def dispute_step(dispute: Dispute, step: str) -> str:
    """A deadline can be moved, so its reminder names it."""
    is_reminder = step == EVIDENCE_DUE and dispute.evidence_due_at
    due = f":{int(dispute.evidence_due_at.timestamp())}" if is_reminder and dispute.evidence_due_at else ""
    return f"dispute:{dispute.pk}:{step}{due}"


def alert_key(fact: str, address: str) -> str:
    """One key for each member of staff."""
    key = f"{fact}:{address}"
    return key if len(key) <= MAX_KEY_LENGTH else hashlib.sha256(key.encode()).hexdigest()
