"""Payments that succeeded, and invoices that nobody has to pay any more. Each function changes the database first and
sends its email last, because the email may find no address yet while everything else must still be stored.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from billing import mail
from billing.models import InvoicePayment, Payment, Subscription
from billing.payloads import CheckoutSession, Invoice
from billing.plans import plan_by_price, product_by_price, product_by_slug
from billing.services import announcements, open_payments, subscriptions
from billing.services.customers import Payer, identify
from common.db import insert_if_absent
from common.money import Amount
from emails import contacts

TAG_OF_PAYING_CUSTOMERS = "customer"
RENEWAL = "subscription_cycle"

Status = Payment.Status

# What Stripe calls an invoice that nobody has to pay any more.
CLOSED = {"void": Status.CANCELED, "uncollectible": Status.UNCOLLECTIBLE}
# A later status never turns back into an earlier one: a paid invoice stays paid.
FINALITY = (Status.FAILED, Status.UNCOLLECTIBLE, Status.CANCELED, Status.PAID)
# These belong to one status. An older report fills other empty fields, but not these.
OF_THE_STATUS = ("status", "amount", "paid_at", "attempt", "next_attempt_at", "needs_action")


def record_paid_invoice(invoice: Invoice, at: datetime) -> None:
    """Store the payment for good and send the receipt. ``at`` is used if the invoice has no time of payment."""
    if invoice.amount_settled <= 0:
        # Nothing was due, as at the start of a trial, or nothing is due any more.
        unpaid = Payment.objects.filter(stripe_id=invoice.id).exclude(status=Status.PAID)
        unpaid.update(status=Status.PAID, amount=0, next_attempt_at=None)
        settle(Payment.objects.filter(stripe_id=invoice.id).first(), invoice.subscription)
        return
    payer = identify(invoice.customer)
    payment, is_newly_paid = store(
        payer,
        invoice.id,
        **invoice_fields(invoice),
        status=Status.PAID,
        amount=invoice.amount_settled,
        paid_at=invoice.paid_at or at,
    )
    # Only the first payment can activate a subscription, and renewals are most of the events.
    if invoice.reason != RENEWAL:
        subscriptions.activate(invoice.subscription)
    if is_newly_paid:
        settle(payment, invoice.subscription)
    if invoice.amount_paid > 0:
        mail.send_receipt_email(payer.recipient, payment, invoice)
    if is_newly_paid:
        tag_after_first_payment(payer, payment)


def record_closed_invoice(invoice: Invoice) -> None:
    """Store that an invoice was canceled or written off. Nobody is asked to pay it after that."""
    payer = identify(invoice.customer)
    fields = invoice_fields(invoice) | {"amount": invoice.amount_due, "attempt": invoice.attempt}
    payment, _ = store(payer, invoice.id, **fields, status=CLOSED[invoice.status])
    settle(payment, invoice.subscription)


def settle(payment: Payment | None, subscription_id: str) -> None:
    """Cancel the email about its failure if it is still queued, and have its subscription wait for it no longer.

    There is no payment if nothing had to be paid.
    """
    has_failed = payment is not None and payment.first_failed_at is not None
    if payment and has_failed:
        mail.cancel_dunning_emails(payment)
    # Nearly all payments are for subscriptions that owe nothing.
    if has_failed or Subscription.objects.forget_unpaid(subscription_id):
        open_payments.update(subscription_id)


def record_sale(session: CheckoutSession, at: datetime) -> None:
    """Store a one-time purchase through Checkout that has no invoice, and send the receipt."""
    payer = identify(session.customer)
    payment, is_newly_paid = store(
        payer, session.id, **session_fields(session), status=Status.PAID, amount=session.amount_total, paid_at=at
    )
    if session.is_free:
        return
    mail.send_receipt_email(payer.recipient, payment, session)
    if is_newly_paid:
        tag_after_first_payment(payer, payment)


def link_payment_intent(payment_intent: str, invoice_id: str) -> None:
    insert_if_absent([InvoicePayment(payment_intent=payment_intent, invoice=invoice_id)])


def invoice_fields(invoice: Invoice) -> dict[str, Any]:
    """Return the fields of Payment that an invoice sets, whether it was paid or not."""
    plan, product = plan_by_price(invoice.price_id), product_by_price(invoice.product_price_id)
    offer = plan or product
    descriptions = (line.description for line in invoice.lines if line.description and not line.is_credit)
    return {
        "subscription_id": invoice.subscription,
        "currency": invoice.currency,
        "description": offer.name if offer else next(descriptions, ""),
        "product": product.slug if product else "",
        "number": invoice.number,
        "invoice_url": invoice.url,
        "payment_intent": invoice.payment_intent,
        "charge": invoice.charge,
        **presented_fields(invoice.presented),
    }


def session_fields(session: CheckoutSession) -> dict[str, Any]:
    product = product_by_slug(session.product)
    fields = {
        "currency": session.currency,
        "payment_intent": session.payment_intent,
        "product": session.product,
        "description": product.name if product else "",
    }
    return fields | presented_fields(session.presented)


def presented_fields(presented: Amount | None) -> dict[str, Any]:
    return {"presented_amount": presented.value, "presented_currency": presented.currency} if presented else {}


def store(payer: Payer, stripe_id: str, **fields: Any) -> tuple[Payment, bool]:
    """Insert the payment or update it. Returns the payment, and whether this call made it paid."""
    fields |= {"customer_id": payer.customer_id, "user_id": payer.user_id, "email": payer.email}
    payment = Payment(stripe_id=stripe_id, **fields)
    if insert_if_absent([payment]):
        announce(payment, became_paid=payment.is_paid, has_failed=payment.is_open)
        return payment, payment.is_paid
    payment = Payment.objects.select_for_update().get(stripe_id=stripe_id)
    became_paid = fields["status"] == Status.PAID and not payment.is_paid
    attempt = fields.get("attempt", 0)
    is_newer = replaces(payment, fields["status"], attempt)
    has_failed = is_newer and payment.is_open and fields["status"] == Status.FAILED and attempt > payment.attempt
    changes = {
        name: value
        for name, value in fields.items()
        if value and (is_newer or (name not in OF_THE_STATUS and not getattr(payment, name)))
    }
    if is_newer:
        changes["next_attempt_at"] = fields.get("next_attempt_at")
        # Stripe can announce one attempt in two events, of which only one says that the customer has to confirm it.
        is_same_attempt = payment.attempt == fields.get("attempt", 0)
        changes["needs_action"] = bool(fields.get("needs_action")) or (payment.needs_action and is_same_attempt)
    for name, value in changes.items():
        setattr(payment, name, value)
    payment.save(update_fields=changes)
    announce(payment, became_paid=became_paid, has_failed=has_failed)
    return payment, became_paid


def announce(payment: Payment, *, became_paid: bool, has_failed: bool) -> None:
    if became_paid:
        announcements.announce_payment(payment.stripe_id)
    if has_failed:
        announcements.announce_failure(payment.stripe_id, payment.attempt)


def replaces(payment: Payment, status: str, attempt: int) -> bool:
    """Return whether the report is newer than what is stored, whatever order they arrive in."""
    if payment.status == status:
        return status == Status.FAILED and attempt >= payment.attempt
    return FINALITY.index(status) > FINALITY.index(payment.status)


def tag_after_first_payment(payer: Payer, payment: Payment) -> None:
    """Tag the person as a customer at the marketing provider, if that is switched on and this is the first payment."""
    if not settings.CONTACTS_SYNC:
        return
    by_payer = Q(user=payer.user_id) if payer.user else Q(customer=payer.customer_id)
    earlier = Payment.objects.filter(by_payer, status=Status.PAID).exclude(stripe_id=payment.stripe_id)
    if not earlier.exists():
        contacts.add_tag(payer.recipient.email, TAG_OF_PAYING_CUSTOMERS)
