"""The emails that billing sends, one function for each. keys.py has the keys that make each happen once."""

from datetime import datetime
from typing import Any

from django.conf import settings

from billing import dunning, keys, receipts
from billing.days import optional_day
from billing.models import Card, Dispute, EarlyFraudWarning, Payment, Subscription
from billing.payloads import SubscriptionState
from billing.plans import plan_by_price
from billing.receipts import Bill
from billing.recipients import Recipient, staff
from common.links import change_url
from common.money import Amount
from emails.services import RenderedEmail, cancel_templated_email, render_email, send_templated_email

# ``again`` makes an email that a member of staff sends by hand another one than the email that events have caused.


def send_receipt_email(to: Recipient, payment: Payment, bill: Bill, *, again: str = "") -> None:
    _send("receipt", to, keys.receipt_key(payment, again=again), **receipts.context(to, payment, bill))


def render_receipt_email(to: Recipient, payment: Payment, bill: Bill) -> RenderedEmail:
    return _render("receipt", to, **receipts.context(to, payment, bill))


def send_payment_failed_email(to: Recipient, payment: Payment, subscription: Subscription | None) -> None:
    context = dunning_context(payment, subscription)
    _send("payment_failed", to, keys.dunning_key(payment), send_at=dunning.time_to_send(payment), **context)


def send_payment_action_required_email(to: Recipient, payment: Payment, subscription: Subscription | None) -> None:
    context = dunning_context(payment, subscription)
    _send("payment_action_required", to, keys.dunning_key(payment), send_at=dunning.time_to_send(payment), **context)


def send_payment_reminder(to: Recipient, payment: Payment, subscription: Subscription | None, *, again: str) -> None:
    """Send the email about a payment that is still missing once more, immediately."""
    key = f"{keys.dunning_key(payment)}:{again}"
    _send(reminder_kind(payment), to, key, **dunning_context(payment, subscription))


def render_payment_reminder(to: Recipient, payment: Payment, subscription: Subscription | None) -> RenderedEmail:
    return _render(reminder_kind(payment), to, **dunning_context(payment, subscription))


def reminder_kind(payment: Payment) -> str:
    return "payment_action_required" if payment.is_awaiting_action else "payment_failed"


def cancel_dunning_emails(payment: Payment, *, before: int | None = None) -> None:
    """Cancel the emails about all attempts, or about those ``before`` this one, that are still queued."""
    end = payment.attempt + 1 if before is None else before
    # Stripe makes at most eight attempts. Older emails have been sent or have expired.
    for attempt in range(max(end - 9, 0), end):
        cancel_email(keys.dunning_key(payment, attempt))


def send_subscription_unpaid_email(to: Recipient, subscription: Subscription) -> str:
    """Returns the key of the email."""
    payment, key = subscription.open_payment, keys.subscription_unpaid_key(subscription)
    _send(
        "subscription_unpaid",
        to,
        key,
        plan=subscription.plan_name,
        amount=Amount(payment.amount, payment.currency) if payment else "",
        number=payment.number if payment else "",
        pay_url=(payment.link if payment else "") or billing_url(),
    )
    return key


def send_renewal_email(to: Recipient, subscription: Subscription, amount: Amount | None) -> None:
    """``amount`` is None if it isn't certain."""
    _send(
        "renewal_reminder",
        to,
        keys.renewal_key(subscription),
        expires_at=subscription.current_period_end,
        plan=subscription.plan_name,
        renewal=optional_day(subscription.current_period_end),
        amount=amount or "",
    )


def send_card_expiring_email(to: Recipient, card: Card, subscription: Subscription) -> None:
    _send(
        "card_expiring",
        to,
        keys.card_expiring_key(card),
        expires_at=card.expires_at,
        plan=subscription.plan_name,
        brand_name=card.brand_name,
        last4=card.last4,
        month=card.month,
    )


def cancel_email(key: str) -> bool:
    """Cancel a queued email that a newer event contradicts. Returns whether it was still queued."""
    return cancel_templated_email(key, reason="A newer event from Stripe made it outdated.")


def send_checkout_failed_email(to: Recipient, payment: Payment) -> None:
    _send("checkout_failed", to, keys.checkout_failed_key(payment), amount=Amount(payment.amount, payment.currency))


def send_refund_email(to: Recipient, amount: Amount, *, change: str, payment: Payment | None) -> None:
    """``change`` identifies the change of the refunded total that this email is about."""
    details: dict[str, Any] = (
        {"number": payment.number, "plan": payment.description} if payment else {"number": "", "plan": ""}
    )
    _send("refund", to, keys.refund_key(change), amount=amount, **details)


def send_refund_failed_email(to: Recipient, amount: Amount, *, refund_id: str, payment: Payment) -> None:
    details: dict[str, Any] = {"number": payment.number, "plan": payment.description}
    _send("refund_failed", to, keys.refund_failed_key(refund_id), amount=amount, **details)


def send_trial_ending_email(to: Recipient, subscription: Subscription) -> None:
    _send(
        "trial_ending",
        to,
        keys.trial_ending_key(subscription),
        expires_at=subscription.trial_end,
        trial_end=optional_day(subscription.trial_end),
        plan=subscription.plan_name,
        amount=charge_after_trial(subscription),
        is_cancelled=subscription.cancel_at is not None,
        without_card=subscription.without_card,
    )


def send_subscription_ended_email(to: Recipient, subscription: SubscriptionState) -> None:
    _send(
        "subscription_ended",
        to,
        keys.subscription_ended_key(subscription),
        ended=optional_day(subscription.ended_at),
        plan=plan_name(subscription),
        is_unpaid=subscription.end_reason == "payment_failed",
    )


def send_dispute_notice(address: str, dispute: Dispute, payment: Payment, *, step: str, suspends: bool) -> None:
    """Inform a member of staff of one step of a dispute. ``suspends``: the dispute decides about the access."""
    _send(
        "dispute_notice",
        staff(address),
        keys.alert_key(keys.dispute_step(dispute, step), address),
        step=step,
        amount=Amount(dispute.amount, dispute.currency) if dispute.currency else "",
        reason=in_words(dispute.reason),
        due=optional_day(dispute.evidence_due_at) if dispute.needs_response else "",
        payment=payment.number or payment.stripe_id,
        suspends=suspends,
        stripe_url=dispute.stripe_url,
        payment_url=admin_url(payment),
    )


def send_fraud_notice(address: str, warning: EarlyFraudWarning, payment: Payment) -> None:
    """Inform a member of staff that the bank suspects fraud."""
    _send(
        "fraud_notice",
        staff(address),
        keys.alert_key(f"fraud_warning:{warning.pk}", address),
        amount=payment.shown_amount,
        reason=in_words(warning.fraud_type),
        is_actionable=warning.is_actionable,
        payment=payment.number or payment.stripe_id,
        stripe_url=warning.stripe_url,
        payment_url=admin_url(payment),
    )


def _send(
    kind: str,
    to: Recipient,
    key: str,
    *,
    send_at: datetime | None = None,
    expires_at: datetime | None = None,
    **context: Any,
) -> None:
    send_templated_email(
        kind=kind,
        to=to.email,
        context=_context(to, **context),
        language=to.language,
        idempotency_key=key,
        send_at=send_at,
        expires_at=expires_at,
        metadata={} if to.user_id is None else {"user_id": str(to.user_id)},
    )


def _render(kind: str, to: Recipient, **context: Any) -> RenderedEmail:
    """Return the email without sending it."""
    return render_email(kind, _context(to, **context), to.language)


def _context(to: Recipient, **context: Any) -> dict[str, Any]:
    return {"name": to.name, "billing_url": billing_url(), **context}


# What the templates show


def in_words(code: str) -> str:
    """Return Stripe's own word for a reason, such as ``product not received``."""
    return code.replace("_", " ")


def admin_url(row: Payment) -> str:
    return f"{settings.APP_URL}{change_url(row)}"


def dunning_context(payment: Payment, subscription: Subscription | None) -> dict[str, Any]:
    return {
        "amount": Amount(payment.amount, payment.currency),
        "number": payment.number,
        "plan": payment.description,
        "stage": dunning.stage(payment),
        "next_attempt": optional_day(payment.upcoming_attempt_at),
        "is_last": payment.next_attempt_at is None,
        "has_access": subscription is not None and subscription.gives_access,
        "is_suspended": subscription is not None and subscription.needs_payment,
        "access_ends": optional_day(dunning.end_without_payment(subscription, payment)),
        "may_end": subscription is not None and subscription.cancel_at is None,
        "pay_url": payment.invoice_url or billing_url(),
    }


def billing_url() -> str:
    return f"{settings.APP_URL}/billing"


def plan_name(subscription: SubscriptionState) -> str:
    plan = plan_by_price(subscription.price_id)
    return plan.name if plan else ""


def charge_after_trial(subscription: Subscription) -> Amount | str:
    """Return the amount of the first charge, or an empty string if nothing will be charged or it isn't certain."""
    is_charged = subscription.amount and subscription.next_charge_at
    return Amount(subscription.amount or 0, subscription.currency) if is_charged else ""
