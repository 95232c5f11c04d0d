"""Money that went back, told once, whichever of Stripe's two events says it first."""

import logging

from billing import mail
from billing.models import Payment, RefundedCharge
from billing.payloads import Amount, Charge, Party, Refund
from billing.services.customers import Account, identify
from common.db import insert_if_absent

logger = logging.getLogger(__name__)


def record_refund(refund: Refund) -> None:
    """One refund. Nobody is promised money that is not on its way: Stripe tells of a pending one again."""
    if refund.status != "succeeded":
        return
    charge = locked_charge(refund.charge or refund.payment_intent, refund.payment_intent, refund.currency)
    charge.refunds[refund.id] = refund.amount
    note_total(charge, refund.id, sum(charge.refunds.values()))
    tell(charge, refund.id, Party())


def record_refunded_charge(told: Charge) -> None:
    """The running total of a charge's refunds."""
    charge = locked_charge(told.id, told.payment_intent, told.currency)
    key = f"{told.id}:{told.amount_refunded}"
    note_total(charge, key, told.amount_refunded)
    tell(charge, key, told.party)


def note_failed_refund(refund: Refund) -> None:
    """For staff: the customer was told that the money is on its way."""
    logger.error("Refund %s of charge %s failed. Pay the customer in another way.", refund.id, refund.charge)


def locked_charge(charge_id: str, payment_intent: str, currency: str) -> RefundedCharge:
    insert_if_absent([RefundedCharge(pk=charge_id, payment_intent=payment_intent, currency=currency)])
    return RefundedCharge.objects.select_for_update().get(pk=charge_id)


def note_total(charge: RefundedCharge, key: str, total: int) -> None:
    """What ``key`` is the first to tell of the total; decided once, so that it may be handled again."""
    if key not in charge.told:
        charge.told[key] = max(total - charge.amount, 0)
        charge.amount += charge.told[key]
        charge.save(update_fields=["amount", "refunds", "told"])


def tell(charge: RefundedCharge, key: str, party: Party) -> None:
    if not charge.told[key]:
        return
    payment = Payment.objects.of_charge(charge.pk, charge.payment_intent).select_related("customer", "user").first()
    account = account_of(payment) if payment else identify(party)
    amount = Amount(charge.told[key], charge.currency)
    mail.send_refund_email(account.recipient, amount, key=key, payment=payment)


def account_of(payment: Payment) -> Account:
    party = Party(customer=payment.customer_id or "", user_id=payment.user_id, email=payment.email)
    return identify(party)
