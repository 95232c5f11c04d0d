"""What was paid, and what was tried in vain. State first, the mail last: it may find nobody to write to yet."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from billing import mail
from billing.models import InvoicePayment, Payment
from billing.payloads import Invoice, Session
from billing.plans import plan_by_price
from billing.services import subscriptions
from billing.services.customers import Account, identify
from common.db import insert_if_absent
from emails import contacts

TAG_OF_PAYING_CUSTOMERS = "customer"
RENEWAL = "subscription_cycle"

Status = Payment.Status


def record_paid_invoice(invoice: Invoice, at: datetime) -> None:
    """A paid invoice stays paid. ``at`` is taken where the invoice itself does not say when."""
    account = identify(invoice.party)
    payment, is_new = store(
        account, invoice.id, **facts_of_invoice(invoice),
        status=Status.PAID, amount=invoice.amount_paid, paid_at=invoice.paid_at or at,
    )  # fmt: skip
    if invoice.reason != RENEWAL:
        subscriptions.begin(invoice.subscription)
    mail.send_receipt_email(account.recipient, payment, invoice)
    if is_new:
        tag_after_first_payment(account, payment)


def record_failed_invoice(invoice: Invoice, *, needs_action: bool) -> None:
    """Says nothing when the invoice was paid meanwhile: a late event must not frighten anybody."""
    account = identify(invoice.party)
    payment, _ = store(
        account, invoice.id, **facts_of_invoice(invoice),
        status=Status.FAILED, amount=invoice.amount_due, attempt=invoice.attempt,
        next_attempt_at=invoice.next_attempt_at,
    )  # fmt: skip
    if payment.is_paid:
        return
    send = mail.send_payment_action_required_email if needs_action else mail.send_payment_failed_email
    send(account.recipient, payment, invoice)


def record_sale(session: Session, at: datetime) -> None:
    """A sale through Checkout that has no invoice."""
    account = identify(session.party)
    payment, is_new = store(
        account, session.id, **facts_of_session(session), status=Status.PAID, amount=session.amount_total, paid_at=at
    )
    mail.send_receipt_email(account.recipient, payment, session)
    if is_new:
        tag_after_first_payment(account, payment)


def record_failed_sale(session: Session) -> None:
    """A bank refused, days after the buyer left Checkout."""
    account = identify(session.party)
    payment, _ = store(
        account, session.id, **facts_of_session(session), status=Status.FAILED, amount=session.amount_total
    )
    if not payment.is_paid:
        mail.send_checkout_failed_email(account.recipient, payment)


def link_payment_intent(payment_intent: str, invoice_id: str) -> None:
    insert_if_absent([InvoicePayment(payment_intent=payment_intent, invoice=invoice_id)])


def facts_of_invoice(invoice: Invoice) -> dict[str, Any]:
    plan = plan_by_price(invoice.price_id)
    lines = (line.description for line in invoice.lines if line.description)
    return {
        "subscription_id": invoice.subscription,
        "currency": invoice.currency,
        "description": plan.name if plan else next(lines, ""),
        "number": invoice.number,
        "invoice_url": invoice.url,
        "payment_intent": invoice.payment_intent,
        "charge": invoice.charge,
    }


def facts_of_session(session: Session) -> dict[str, Any]:
    return {"currency": session.currency, "payment_intent": session.payment_intent}


def store(account: Account, stripe_id: str, **facts: Any) -> tuple[Payment, bool]:
    """Insert the payment, or add what is news of it; returns it, and whether it became paid by that."""
    facts |= {"customer_id": account.customer_id, "user_id": account.user_id, "email": account.email}
    new = Payment(stripe_id=stripe_id, **facts)
    if insert_if_absent([new]):
        return new, new.is_paid
    payment = Payment.objects.select_for_update().get(stripe_id=stripe_id)
    became_paid = facts["status"] == Status.PAID and not payment.is_paid
    is_newer = became_paid or (not payment.is_paid and facts.get("attempt", 0) >= payment.attempt)
    news = {name: value for name, value in facts.items() if value and (is_newer or not getattr(payment, name))}
    for name, value in news.items():
        setattr(payment, name, value)
    payment.save(update_fields=news)
    return payment, became_paid


def tag_after_first_payment(account: Account, payment: Payment) -> None:
    """At the marketing side, where that is switched on."""
    if not settings.CONTACTS_SYNC:
        return
    theirs = Payment.objects.filter(Q(user=account.user_id) if account.user else Q(customer=account.customer_id))
    if not theirs.filter(status=Status.PAID).exclude(stripe_id=payment.stripe_id).exists():
        contacts.add_tag(account.recipient.email, TAG_OF_PAYING_CUSTOMERS)
