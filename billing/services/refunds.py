"""Refunds. Stripe reports each in two kinds of events, and the customer gets one email for whichever comes first.

Each refund counts by its newest status, because one that is pending, or that succeeded, can still fail.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from billing import mail
from billing.models import InvoicePayment, Payment, RefundedCharge
from billing.payloads import Charge, CustomerRef, Refund
from billing.services import versions
from billing.services.customers import NotOurs, Payer, PaymentUnknown, identify
from common.db import insert_if_absent
from common.money import Amount

logger = logging.getLogger(__name__)

UNDONE = ("failed", "canceled")


def record_refund(refund: Refund, at: datetime) -> None:
    """Store the status of one refund, and announce what changed. Raises ``NotOurs`` or ``PaymentUnknown``."""
    payment = payment_of(refund.charge, refund.payment_intent)
    payer = payer_of(payment, CustomerRef())
    charge = lock_or_create_charge(refund.charge, refund.payment_intent, refund.currency, payment, refund.id)
    note_status(charge, refund, at)
    save(charge, payment)
    status = charge.known_refunds[refund.id]["status"]
    if status in UNDONE and refund.status in UNDONE:
        report_undone(charge, refund, payment, payer)
    else:
        announce(charge, refund.id, payment, payer, presented=refund.presented, presented_for=refund.amount)


def record_refunded_charge(refunded: Charge, at: datetime) -> None:
    """Store the total of a charge's refunds, and announce by how much it rose."""
    payment = payment_of(refunded.id, refunded.payment_intent)
    payer = payer_of(payment, refunded.customer)
    charge = lock_or_create_charge(refunded.id, refunded.payment_intent, refunded.currency, payment)
    for refund in refunded.refunds:
        note_status(charge, refund, at)
    charge.reported_total = max(charge.reported_total, refunded.amount_refunded)
    save(charge, payment)
    change = f"{refunded.id}:{refunded.amount_refunded}"
    announce(charge, change, payment, payer, presented=refunded.presented, presented_for=refunded.amount_refunded)


def note_status(charge: RefundedCharge, refund: Refund, at: datetime) -> None:
    """Store the refund's status unless a newer one is known."""
    version = versions.version(at, refund.certainty)
    known = charge.known_refunds.get(refund.id)
    if known is None or version >= known["version"]:
        charge.refunds[refund.id] = {"amount": refund.amount, "status": refund.status, "version": version}


def save(charge: RefundedCharge, payment: Payment | None) -> None:
    # Never more than was paid, whatever Stripe reports.
    is_limited = payment is not None and payment.is_paid
    charge.amount = min(charge.refunded_total, payment.amount) if payment and is_limited else charge.refunded_total
    charge.save()


def report_undone(charge: RefundedCharge, refund: Refund, payment: Payment | None, payer: Payer | None) -> None:
    """Log the failure for staff, and tell the customer if an email has promised the money."""
    if payment is None or payer is None:
        raise NotOurs("")
    logger.error("Refund %s of charge %s failed. Pay the customer in another way.", refund.id, refund.charge)
    excess = min(charge.announced_total - charge.amount, refund.amount)
    if excess > 0:
        amount = as_presented(Amount(excess, charge.currency), payment, refund.presented, refund.amount)
        mail.send_refund_failed_email(payer.recipient, amount, refund_id=refund.id, payment=payment)
        remember(charge, f"failed:{refund.id}", -excess)


def announce(
    charge: RefundedCharge,
    change: str,
    payment: Payment | None,
    payer: Payer | None,
    *,
    presented: Amount | None,
    presented_for: int,
) -> None:
    """Send the email about what the customer doesn't know yet.

    Raises ``PaymentUnknown`` if the payment's event hasn't arrived yet.
    """
    rise = charge.amount - charge.announced_total
    if rise <= 0:
        return
    if payer is None:
        raise PaymentUnknown
    if change in charge.announced:  # it succeeded, failed, and succeeded again
        change = f"{change}:{len(charge.announced)}"
    amount = as_presented(Amount(rise, charge.currency), payment, presented, presented_for)
    mail.send_refund_email(payer.recipient, amount, change=change, payment=payment)
    remember(charge, change, rise)


def as_presented(amount: Amount, payment: Payment | None, presented: Amount | None, presented_for: int) -> Amount:
    """Return the amount in the currency of the receipt, if the event says what it is there."""
    is_receipts = payment is None or presented is None or payment.shown_amount.currency == presented.currency
    return presented if presented and is_receipts and amount.value == presented_for else amount


def remember(charge: RefundedCharge, change: str, amount: int) -> None:
    charge.announced[change] = amount
    charge.save(update_fields=["announced"])


def lock_or_create_charge(
    charge: str, payment_intent: str, currency: str, payment: Payment | None, refund_id: str = ""
) -> RefundedCharge:
    """Return the row of the charge, locked until the transaction ends, with every name that we know for it."""
    names = [charge, payment_intent, *names_of(payment)]
    rows = RefundedCharge.objects.named(*names)
    # An event that leaves out one of the names can be about a row that has only the other one.
    if refund_id and not (charge and payment_intent):
        rows |= RefundedCharge.objects.filter(refunds__has_key=refund_id)
    if not rows.exists():
        insert_if_absent([RefundedCharge(pk=charge or payment_intent or refund_id, currency=currency)])
        rows = RefundedCharge.objects.named(charge, payment_intent, refund_id)
    first, *others = rows.select_for_update().order_by("pk")
    for other in others:
        merge(first, other)
    first.charge = first.charge or charge
    first.payment_intent = first.payment_intent or payment_intent
    return first


def names_of(payment: Payment | None) -> Iterator[str]:
    if payment is not None:
        yield from (payment.charge, payment.payment_intent)
        yield from InvoicePayment.objects.filter(invoice=payment.stripe_id).values_list("payment_intent", flat=True)


def merge(charge: RefundedCharge, other: RefundedCharge) -> None:
    """Move what is known about the same charge under another name into one row."""
    for refund_id, refund in other.known_refunds.items():
        known = charge.known_refunds.get(refund_id)
        if known is None or refund["version"] > known["version"]:
            charge.refunds[refund_id] = refund
    charge.announced = other.announced | charge.announced
    charge.reported_total = max(charge.reported_total, other.reported_total)
    charge.charge = charge.charge or other.charge
    charge.payment_intent = charge.payment_intent or other.payment_intent
    other.delete()


def payment_of(charge: str, payment_intent: str) -> Payment | None:
    names = [charge, payment_intent]
    for row in RefundedCharge.objects.named(*names):
        names += [row.charge, row.payment_intent]
    found = Payment.objects.none()
    for name in {name for name in names if name}:
        found |= Payment.objects.of_charge(name, name)
    return found.select_related("customer", "user").first()


def payer_of(payment: Payment | None, customer: CustomerRef) -> Payer | None:
    """Return who paid, or None if only a later event can tell. Raises ``NotOurs``."""
    if payment is None:
        return identify(customer) if customer.id or customer.is_marked else None
    ref = CustomerRef(payment.customer_id or "", payment.user_id, payment.email)
    # We store only our own payments, so a guest's needs no other proof.
    return identify(ref if ref.id else replace(ref, is_marked=True))
