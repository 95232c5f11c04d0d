"""The emails that billing sends, one function for each, and the keys that make each happen once."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from billing import dunning
from billing.models import Card, Dispute, EarlyFraudWarning, Payment, Subscription
from billing.payloads import BillingDetails, CheckoutSession, Invoice, SubscriptionState
from billing.plans import plan_by_price
from common.admin import change_url
from common.money import Amount
from emails.services import cancel_templated_email, send_templated_email

Bill = Invoice | CheckoutSession

# The steps of a dispute that staff hear about.
OPENED, LOST, WON, CLOSED, EVIDENCE_DUE = "opened", "lost", "won", "closed", "evidence_due"
MAX_KEY_LENGTH = 255

ROWS = ("discount", "granted_credit", "shipping", "tax", "credit_notes", "balance", "earlier", "included_tax")
NO_DETAILS: dict[str, object] = {**dict.fromkeys(ROWS, ""), "lines": [], "has_more_lines": False}


@dataclass(frozen=True, slots=True)
class Recipient:
    """A user at the address of their account, or a buyer whom only Stripe knows."""

    email: str
    name: str
    language: str
    user_id: int | None = None
    is_confirmed: bool = False  # whether the user has confirmed this email address


def send_receipt_email(to: Recipient, payment: Payment, bill: Bill) -> None:
    _send("receipt", to, receipt_key(payment), **receipt_context(to, payment, bill))


def send_payment_failed_email(to: Recipient, payment: Payment, subscription: Subscription | None) -> None:
    context = dunning_context(payment, subscription)
    _send("payment_failed", to, dunning_key(payment), send_at=dunning.time_to_send(payment), **context)


def send_payment_action_required_email(to: Recipient, payment: Payment, subscription: Subscription | None) -> None:
    context = dunning_context(payment, subscription)
    _send("payment_action_required", to, dunning_key(payment), send_at=dunning.time_to_send(payment), **context)


def cancel_dunning_emails(payment: Payment, *, before: int | None = None) -> None:
    """Cancel the emails about all attempts, or about those ``before`` this one, that are still queued."""
    end = payment.attempt + 1 if before is None else before
    # Stripe makes at most eight attempts. Older emails have been sent or have expired.
    for attempt in range(max(end - 9, 0), end):
        cancel_email(dunning_key(payment, attempt))


def send_subscription_unpaid_email(to: Recipient, subscription: Subscription) -> str:
    """Returns the key of the email."""
    payment, key = subscription.open_payment, subscription_unpaid_key(subscription)
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
        renewal_key(subscription),
        expires_at=subscription.current_period_end,
        plan=subscription.plan_name,
        renewal=optional_day(subscription.current_period_end),
        amount=amount or "",
    )


def send_card_expiring_email(to: Recipient, card: Card, subscription: Subscription) -> None:
    _send(
        "card_expiring",
        to,
        card_expiring_key(card),
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
    _send("checkout_failed", to, checkout_failed_key(payment), amount=Amount(payment.amount, payment.currency))


def send_refund_email(to: Recipient, amount: Amount, *, change: str, payment: Payment | None) -> None:
    """``change`` identifies the change of the refunded total that this email is about."""
    details: dict[str, Any] = (
        {"number": payment.number, "plan": payment.description} if payment else {"number": "", "plan": ""}
    )
    _send("refund", to, refund_key(change), amount=amount, **details)


def send_refund_failed_email(to: Recipient, amount: Amount, *, refund_id: str, payment: Payment) -> None:
    details: dict[str, Any] = {"number": payment.number, "plan": payment.description}
    _send("refund_failed", to, refund_failed_key(refund_id), amount=amount, **details)


def send_trial_ending_email(to: Recipient, subscription: Subscription) -> None:
    _send(
        "trial_ending",
        to,
        trial_ending_key(subscription),
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
        subscription_ended_key(subscription),
        ended=optional_day(subscription.ended_at),
        plan=plan_name(subscription),
        is_unpaid=subscription.end_reason == "payment_failed",
    )


def send_dispute_notice(address: str, dispute: Dispute, payment: Payment, *, step: str, suspends: bool) -> None:
    """Inform a member of staff of one step of a dispute. ``suspends``: the dispute decides about the access."""
    _send(
        "dispute_notice",
        staff(address),
        alert_key(dispute_step(dispute, step), address),
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
        alert_key(f"fraud_warning:{warning.pk}", address),
        amount=payment.shown_amount,
        reason=in_words(warning.fraud_type),
        is_actionable=warning.is_actionable,
        payment=payment.number or payment.stripe_id,
        stripe_url=warning.stripe_url,
        payment_url=admin_url(payment),
    )


def staff(address: str) -> Recipient:
    return Recipient(address, "", settings.LANGUAGE_CODE)


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
        context={"name": to.name, "billing_url": billing_url(), **context},
        language=to.language,
        idempotency_key=key,
        send_at=send_at,
        expires_at=expires_at,
        metadata={} if to.user_id is None else {"user_id": str(to.user_id)},
    )


# Idempotency keys. Staff search the outbox for them, and old rows contain them. A changed key would send an email to
# the same person for the same occasion again.


def receipt_key(payment: Payment) -> str:
    return f"receipt:{payment.stripe_id}"


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


# What the templates show


def in_words(code: str) -> str:
    """Return Stripe's own word for a reason, such as ``product not received``."""
    return code.replace("_", " ")


def admin_url(row: Payment) -> str:
    return f"{settings.APP_URL}{change_url(row)}"


def receipt_context(to: Recipient, payment: Payment, bill: Bill) -> dict[str, Any]:
    """Return the total as the buyer saw it, and what adds up to it.

    Lines and taxes are in our currency, so they are left out if the buyer paid in another one.
    """
    is_ours = bill.presented is None
    details = invoice_details(bill) if isinstance(bill, Invoice) and is_ours else NO_DETAILS
    if isinstance(bill, CheckoutSession) and is_ours and bill.tax > 0:
        details = NO_DETAILS | {"included_tax": Amount(bill.tax, bill.currency)}
    return {
        "total": payment.shown_amount,
        "date": optional_day(payment.paid_at),
        "number": payment.number,
        "plan": payment.description,
        "billed_to": billed_to(to, bill),
        "payment_method": bill.payment_method,
        "invoice_url": payment.invoice_url,
        **details,
    }


def billed_to(to: Recipient, bill: Bill) -> list[object]:
    """Return the lines of the buyer's address, at least the email address that the receipt goes to.

    What the buyer typed at Stripe is shown only to themselves. Otherwise, anyone could enter someone else's email
    address and have us send a text of theirs there.
    """
    details = bill.billing_details if to.is_confirmed else BillingDetails()
    lines: list[object] = [details.name or to.name, *details.address, *details.tax_ids, to.email]
    return [line for line in lines if line]


def invoice_details(invoice: Invoice) -> dict[str, object]:
    """Return the lines and the rows below them, or nothing if the invoice doesn't prove that they add up."""
    breakdown = invoice.breakdown
    if not breakdown.adds_up:
        return NO_DETAILS
    rows = {**breakdown.rows, "included_tax": breakdown.included_tax}
    lines = [
        {"description": line.description, "amount": Amount(line.amount, invoice.currency)} for line in invoice.lines
    ]
    amounts: dict[str, object] = {name: Amount(amount, invoice.currency) for name, amount in rows.items() if amount}
    # Credit of the customer's and an amount that is left over from before are two different things to them.
    if breakdown.rows.get("balance", 0) > 0:
        amounts["earlier"] = amounts.pop("balance")
    return NO_DETAILS | amounts | {"lines": lines, "has_more_lines": invoice.has_more_lines}


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


def optional_day(moment: datetime | None) -> date | str:
    return day(moment) if moment else ""


def day(moment: datetime) -> date:
    """Return the date in the project's time zone. Templates format it for the email's language."""
    return timezone.localtime(moment).date()
