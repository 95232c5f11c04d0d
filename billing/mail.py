"""One function per email that billing sends. Its key makes each happen once, however often Stripe tells of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import formats, timezone
from django.utils.functional import SimpleLazyObject

from billing.models import Payment
from billing.money import lazy_amount
from billing.payloads import Amount, Invoice, Line, Session, SubscriptionState
from billing.plans import plan_by_price
from emails.services import send_templated_email

Bill = Invoice | Session


@dataclass(frozen=True, slots=True)
class Recipient:
    """A user at their own address, or somebody of whom only Stripe knows."""

    email: str
    name: str
    language: str
    user_id: int | None = None


def send_receipt_email(to: Recipient, payment: Payment, bill: Bill) -> None:
    """The lines are in our currency: a buyer who saw and paid another reads the total alone."""
    shown = bill.presented or Amount(payment.amount, payment.currency)
    details = {} if bill.presented else details_of(bill, payment.currency)
    send(
        "receipt", to, key=f"receipt:{payment.stripe_id}",
        total=lazy_amount(shown.value, shown.currency),
        date=day(payment.paid_at or timezone.now()),
        number=payment.number,
        plan=payment.description,
        invoice_url=payment.invoice_url,
        **details,
    )  # fmt: skip


def details_of(bill: Bill, currency: str) -> dict[str, object]:
    """Only an invoice has lines, discounts and credit; what is nothing is left out."""
    amounts = {"tax": bill.tax}
    if isinstance(bill, Invoice):
        amounts |= {"discount": -bill.discount, "credit": -bill.credit}
    found: dict[str, object] = {name: lazy_amount(value, currency) for name, value in amounts.items() if value}
    if isinstance(bill, Invoice):
        found |= {"lines": shown_lines(bill.lines, currency), "has_more_lines": bill.has_more_lines}
    return found


def send_payment_failed_email(to: Recipient, payment: Payment, invoice: Invoice) -> None:
    send_dunning_email("payment_failed", to, payment, invoice)


def send_payment_action_required_email(to: Recipient, payment: Payment, invoice: Invoice) -> None:
    send_dunning_email("payment_action_required", to, payment, invoice)


def send_dunning_email(kind: str, to: Recipient, payment: Payment, invoice: Invoice) -> None:
    """One for each try, although Stripe tells of some by both of its events."""
    send(
        kind, to, key=f"dunning:{invoice.id}:{invoice.attempt}",
        amount=lazy_amount(invoice.amount_due, invoice.currency),
        number=invoice.number,
        plan=payment.description,
        next_attempt=day(invoice.next_attempt_at) if invoice.next_attempt_at else "",
        pay_url=invoice.url,
    )  # fmt: skip


def send_refund_email(to: Recipient, amount: Amount, *, key: str, payment: Payment | None) -> None:
    send(
        "refund", to, key=f"refund:{key}",
        amount=lazy_amount(amount.value, amount.currency),
        number=payment.number if payment else "",
        plan=payment.description if payment else "",
    )  # fmt: skip


def send_trial_ending_email(to: Recipient, subscription: SubscriptionState, trial_end: datetime) -> None:
    send(
        "trial_ending", to, key=f"trial:{subscription.id}:{int(trial_end.timestamp())}",
        trial_end=day(trial_end),
        plan=plan_name(subscription),
        amount=charged(subscription),
        is_cancelled=subscription.cancel_at is not None,
    )  # fmt: skip


def send_subscription_ended_email(to: Recipient, subscription: SubscriptionState) -> None:
    send(
        "subscription_ended", to, key=f"ended:{subscription.id}",
        ended=day(subscription.ended_at or timezone.now()),
        plan=plan_name(subscription),
        is_unpaid=subscription.end_reason == "payment_failed",
    )  # fmt: skip


def send_checkout_failed_email(to: Recipient, payment: Payment) -> None:
    send(
        "checkout_failed", to, key=f"failed:{payment.stripe_id}",
        amount=lazy_amount(payment.amount, payment.currency),
    )  # fmt: skip


def send(kind: str, to: Recipient, *, key: str, **context: object) -> None:
    send_templated_email(
        kind=kind,
        to=to.email,
        context={"name": to.name, "billing_url": f"{settings.APP_URL}/billing", **context},
        language=to.language,
        idempotency_key=key,
        metadata={} if to.user_id is None else {"user_id": str(to.user_id)},
    )


def shown_lines(lines: Sequence[Line], currency: str) -> list[dict[str, object]]:
    return [{"description": line.description, "amount": lazy_amount(line.amount, currency)} for line in lines]


def plan_name(subscription: SubscriptionState) -> str:
    plan = plan_by_price(subscription.price_id)
    return plan.name if plan else ""


def charged(subscription: SubscriptionState) -> object:
    amount = subscription.unit_amount * subscription.quantity
    return lazy_amount(amount, subscription.currency) if amount and subscription.currency else ""


def day(moment: datetime) -> object:
    """Formatted where it is first shown, as an amount is."""
    return SimpleLazyObject(lambda: formats.date_format(timezone.localtime(moment), "DATE_FORMAT"))
