"""Refunds. Stripe reports each in two kinds of events, and the customer gets one email for whichever comes first."""

import logging
from dataclasses import replace

from billing import mail
from billing.models import Payment, RefundedCharge
from billing.payloads import Charge, CustomerRef, Refund
from billing.services.customers import NotOurs, Payer, PaymentUnknown, identify
from common.db import insert_if_absent
from common.money import Amount

logger = logging.getLogger(__name__)


def record_refund(refund: Refund) -> None:
    """Store one refund that succeeded, and announce it."""
    # A pending refund can still fail. Stripe sends another event once it succeeds.
    if refund.status != "succeeded":
        return
    payment = payment_of(refund.charge, refund.payment_intent)
    payer = payer_of(payment, CustomerRef())
    # Some payment methods have no charge, only a payment intent.
    charge = lock_or_create_charge(refund.charge or refund.payment_intent, refund.payment_intent, refund.currency)
    charge.refunds[refund.id] = refund.amount
    add_to_total(charge, refund.id, sum(charge.refunds.values()))
    announce(charge, refund.id, payment, payer)


def record_refunded_charge(refunded: Charge) -> None:
    """Store the total of a charge's refunds, and announce by how much it rose."""
    payment = payment_of(refunded.id, refunded.payment_intent)
    payer = payer_of(payment, refunded.customer)
    charge = lock_or_create_charge(refunded.id, refunded.payment_intent, refunded.currency)
    change = f"{refunded.id}:{refunded.amount_refunded}"
    add_to_total(charge, change, refunded.amount_refunded)
    announce(charge, change, payment, payer)


def report_failed_refund(refund: Refund) -> None:
    """Log the failure for staff. Raises ``NotOurs`` if we don't know the payment."""
    if payment_of(refund.charge, refund.payment_intent) is None:
        raise NotOurs("")
    # The customer has already received an email about this refund, and only a person can settle that.
    logger.error("Refund %s of charge %s failed. Pay the customer in another way.", refund.id, refund.charge)


def lock_or_create_charge(charge_id: str, payment_intent: str, currency: str) -> RefundedCharge:
    insert_if_absent([RefundedCharge(pk=charge_id, payment_intent=payment_intent, currency=currency)])
    return RefundedCharge.objects.select_for_update().get(pk=charge_id)


def add_to_total(charge: RefundedCharge, change: str, total: int) -> None:
    """Store by how much ``change`` raised the total."""
    # Decided once: an event that is processed again must announce the same amount, or nothing, again.
    if change not in charge.announced:
        charge.announced[change] = max(total - charge.amount, 0)
        charge.amount += charge.announced[change]
        charge.save(update_fields=["amount", "refunds", "announced"])


def announce(charge: RefundedCharge, change: str, payment: Payment | None, payer: Payer | None) -> None:
    """Send the email about the change. Raises ``PaymentUnknown`` if the payment's event hasn't arrived yet."""
    if not charge.announced[change]:
        return
    if payer is None:
        raise PaymentUnknown
    amount = Amount(charge.announced[change], charge.currency)
    mail.send_refund_email(payer.recipient, amount, change=change, payment=payment)


def payment_of(charge: str, payment_intent: str) -> Payment | None:
    return Payment.objects.of_charge(charge, payment_intent).select_related("customer", "user").first()


def payer_of(payment: Payment | None, customer: CustomerRef) -> Payer | None:
    """Return who paid, or None if only a later event can tell. Raises ``NotOurs``."""
    if payment is None:
        return identify(customer) if customer.id or customer.is_marked else None
    ref = CustomerRef(payment.customer_id or "", payment.user_id, payment.email)
    # We store only our own payments, so a guest's needs no other proof.
    return identify(ref if ref.id else replace(ref, is_marked=True))
