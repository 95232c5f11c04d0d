"""Payments that succeeded or failed. Each function changes the database first and sends its email last, because the
email may find no address yet while everything else must still be stored.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from billing import mail
from billing.models import InvoicePayment, Payment
from billing.payloads import CheckoutSession, Invoice
from billing.plans import plan_by_price
from billing.services import subscriptions
from billing.services.customers import Payer, identify
from common.db import insert_if_absent
from emails import contacts

TAG_OF_PAYING_CUSTOMERS = "customer"
RENEWAL = "subscription_cycle"

Status = Payment.Status


def record_paid_invoice(invoice: Invoice, at: datetime) -> None:
    """Store the payment for good and send the receipt. ``at`` is used if the invoice has no time of payment."""
    payer = identify(invoice.customer)
    payment, is_newly_paid = store(
        payer,
        invoice.id,
        **invoice_fields(invoice),
        status=Status.PAID,
        amount=invoice.amount_paid,
        paid_at=invoice.paid_at or at,
    )
    # Only the first payment can activate a subscription, and renewals are most of the events.
    if invoice.reason != RENEWAL:
        subscriptions.activate(invoice.subscription)
    mail.send_receipt_email(payer.recipient, payment, invoice)
    if is_newly_paid:
        tag_after_first_payment(payer, payment)


def record_failed_invoice(invoice: Invoice, *, needs_action: bool = False) -> None:
    """Store the failed attempt and send the dunning email, unless the invoice has been paid in the meantime."""
    payer = identify(invoice.customer)
    payment, _ = store(
        payer,
        invoice.id,
        **invoice_fields(invoice),
        status=Status.FAILED,
        amount=invoice.amount_due,
        attempt=invoice.attempt,
        next_attempt_at=invoice.next_attempt_at,
    )
    if payment.is_paid:
        return  # the event is late, and must not alarm anybody
    send = mail.send_payment_action_required_email if needs_action else mail.send_payment_failed_email
    send(payer.recipient, payment, invoice)


def record_sale(session: CheckoutSession, at: datetime) -> None:
    """Store a one-time purchase through Checkout that has no invoice, and send the receipt."""
    payer = identify(session.customer)
    payment, is_newly_paid = store(
        payer, session.id, **session_fields(session), status=Status.PAID, amount=session.amount_total, paid_at=at
    )
    mail.send_receipt_email(payer.recipient, payment, session)
    if is_newly_paid:
        tag_after_first_payment(payer, payment)


def record_failed_sale(session: CheckoutSession) -> None:
    """Store and report a purchase that the bank refused days after the buyer left Checkout."""
    payer = identify(session.customer)
    payment, _ = store(payer, session.id, **session_fields(session), status=Status.FAILED, amount=session.amount_total)
    if not payment.is_paid:
        mail.send_checkout_failed_email(payer.recipient, payment)


def link_payment_intent(payment_intent: str, invoice_id: str) -> None:
    insert_if_absent([InvoicePayment(payment_intent=payment_intent, invoice=invoice_id)])


def invoice_fields(invoice: Invoice) -> dict[str, Any]:
    """Return the fields of Payment that an invoice sets, whether it was paid or not."""
    plan = plan_by_price(invoice.price_id)
    descriptions = (line.description for line in invoice.lines if line.description and not line.is_credit)
    return {
        "subscription_id": invoice.subscription,
        "currency": invoice.currency,
        "description": plan.name if plan else next(descriptions, ""),
        "number": invoice.number,
        "invoice_url": invoice.url,
        "payment_intent": invoice.payment_intent,
        "charge": invoice.charge,
    }


def session_fields(session: CheckoutSession) -> dict[str, Any]:
    return {"currency": session.currency, "payment_intent": session.payment_intent}


def store(payer: Payer, stripe_id: str, **fields: Any) -> tuple[Payment, bool]:
    """Insert the payment or update it. Returns the payment, and whether this call made it paid."""
    fields |= {"customer_id": payer.customer_id, "user_id": payer.user_id, "email": payer.email}
    payment = Payment(stripe_id=stripe_id, **fields)
    if insert_if_absent([payment]):
        return payment, payment.is_paid
    payment = Payment.objects.select_for_update().get(stripe_id=stripe_id)
    # A paid payment stays paid, and an older attempt never overwrites a newer one. Both only fill empty fields.
    became_paid = fields["status"] == Status.PAID and not payment.is_paid
    overwrites = became_paid or (not payment.is_paid and fields.get("attempt", 0) >= payment.attempt)
    changes = {name: value for name, value in fields.items() if value and (overwrites or not getattr(payment, name))}
    for name, value in changes.items():
        setattr(payment, name, value)
    payment.save(update_fields=changes)
    return payment, became_paid


def tag_after_first_payment(payer: Payer, payment: Payment) -> None:
    """Tag the person as a customer at the marketing provider, if that is switched on and this is the first payment."""
    if not settings.CONTACTS_SYNC:
        return
    by_payer = Q(user=payer.user_id) if payer.user else Q(customer=payer.customer_id)
    earlier = Payment.objects.filter(by_payer, status=Status.PAID).exclude(stripe_id=payment.stripe_id)
    if not earlier.exists():
        contacts.add_tag(payer.recipient.email, TAG_OF_PAYING_CUSTOMERS)
