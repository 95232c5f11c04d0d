"""Payments that failed, and when the customer hears about it: only if the newest known state still says so."""

from datetime import datetime

from billing import mail
from billing.models import Payment, StripeEvent, Subscription
from billing.payloads import CheckoutSession, Invoice
from billing.services import open_payments
from billing.services.customers import identify
from billing.services.open_payments import PAID_EVENTS, is_awaited, is_settled
from billing.services.payments import CLOSED, invoice_fields, record_closed_invoice, session_fields, store


def record_failed_invoice(invoice: Invoice, at: datetime, *, needs_action: bool = False) -> None:
    """Store the failed attempt, reported ``at`` this time by Stripe's clock, and send the email about it."""
    if invoice.status in CLOSED:
        return record_closed_invoice(invoice)
    payer = identify(invoice.customer)
    # An invoice over nothing has no payment here that could say that it is paid.
    is_paid = StripeEvent.objects.filter(object_id=invoice.id, type__in=PAID_EVENTS).exists()
    if is_paid or invoice.is_paid or not invoice.amount_open or not invoice.currency:
        return None
    payment, _ = store(
        payer,
        invoice.id,
        **invoice_fields(invoice),
        status=Payment.Status.FAILED,
        amount=invoice.amount_open,
        attempt=invoice.attempt,
        next_attempt_at=invoice.next_attempt_at,
        needs_action=needs_action,
    )
    note_time(payment, at)
    open_payments.update(payment.subscription_id)
    is_current = payment.is_open and invoice.status == "open" and invoice.attempt >= payment.attempt
    if is_current:
        mail.cancel_dunning_emails(payment, before=invoice.attempt)
    if is_current and is_owed(subscription_of(payment), at, invoice):
        send = mail.send_payment_action_required_email if needs_action else mail.send_payment_failed_email
        send(payer.recipient, payment, subscription_of(payment))
    return None


def note_time(payment: Payment, at: datetime) -> None:
    """Store when it failed for the first and for the last time, in whatever order the events arrive."""
    payment.first_failed_at = min(filter(None, [payment.first_failed_at, at]))
    payment.last_failed_at = max(filter(None, [payment.last_failed_at, at]))
    times = {"first_failed_at": payment.first_failed_at, "last_failed_at": payment.last_failed_at}
    Payment.objects.filter(stripe_id=payment.stripe_id).update(**times)


def subscription_of(payment: Payment) -> Subscription | None:
    return Subscription.objects.filter(pk=payment.subscription_id).first() if payment.subscription_id else None


def is_owed(subscription: Subscription | None, at: datetime, invoice: Invoice) -> bool:
    """Return whether a payment that failed ``at`` this time is still missing: the subscription goes on without it."""
    if subscription is None:
        # A declined card in the first Checkout is no news to the buyer, who is still on its page.
        return not invoice.is_first
    # Stripe always gives a reason. Servers that imitate it don't, and have no page that shows the refusal.
    if not invoice.reason and subscription.status in ("incomplete", "incomplete_expired"):
        return True
    # The customer was already asked to pay when the subscription was suspended.
    if subscription.is_final or subscription.is_over or subscription.unpaid_notice:
        return False
    if subscription.status == "incomplete" or (invoice.is_first and not subscription.status):
        return is_awaited(subscription)
    return not is_settled(subscription, at) and not (invoice.is_first and subscription.first_paid_at)


def announce_after_checkout(session: CheckoutSession) -> None:
    """Send the email about the first invoice, if its failure arrived before the event that the buyer left Checkout."""
    payment = Payment.objects.filter(stripe_id=session.invoice).first() if session.invoice else None
    subscription = subscription_of(payment) if payment and payment.is_open else None
    if payment and subscription and not subscription.is_final and is_awaited(subscription):
        mail.send_payment_failed_email(identify(session.customer).recipient, payment, subscription)


def record_failed_sale(session: CheckoutSession) -> None:
    """Store and report a purchase that the bank refused days after the buyer left Checkout.

    If the session has an invoice, the events of the invoice do that.
    """
    payer = identify(session.customer)
    if session.invoice or session.payment_status == "paid" or session.amount_total <= 0 or not session.currency:
        return
    payment, _ = store(
        payer, session.id, **session_fields(session), status=Payment.Status.FAILED, amount=session.amount_total
    )
    if payment.is_open:
        mail.send_checkout_failed_email(payer.recipient, payment)
