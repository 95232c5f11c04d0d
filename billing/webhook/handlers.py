"""What each type of event does. To react to another type, add a handler here and list it in HANDLERS.

Stripe sends events more than once and in any order, and it reports one purchase in several types of events. So a
handler never counts or adds up. It states a fact with its own key (this invoice is paid, this refund has succeeded),
and stating a fact twice changes nothing.

An event whose type isn't listed is stored and changes nothing. Handlers run inside the transaction that marks the event
as processed.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from billing.payloads import (
    CardState,
    Charge,
    CheckoutSession,
    CustomerRef,
    DisputeState,
    FraudWarning,
    Invoice,
    Refund,
    Schedule,
    SubscriptionState,
    UpcomingInvoice,
    default_method_of,
)
from billing.services import (
    cards,
    checkouts,
    customers,
    disputes,
    endings,
    failures,
    payments,
    refunds,
    reminders,
    subscriptions,
    versions,
)
from billing.webhook.envelope import Envelope

Handler = Callable[[Envelope], None]


def invoice_paid(event: Envelope) -> None:
    invoice = Invoice.read(event.data)
    if invoice.is_paid:
        payments.record_paid_invoice(invoice, event.created_at)


def invoice_closed(event: Envelope) -> None:
    """Handle an invoice that was canceled or written off."""
    invoice = Invoice.read(event.data)
    if invoice.status in payments.CLOSED:
        payments.record_closed_invoice(invoice)


def invoice_unpaid(event: Envelope) -> None:
    """Handle both kinds of failed attempts: the card was declined, or the customer must confirm the payment."""
    needs_action = event.type == "invoice.payment_action_required"
    failures.record_failed_invoice(Invoice.read(event.data), event.created_at, needs_action=needs_action)


def invoice_payment_paid(event: Envelope) -> None:
    # This object is the link between an invoice and a payment intent. It has no address and causes no email.
    payment_intent, invoice = event.data.inner("payment").ref("payment_intent"), event.data.ref("invoice")
    if payment_intent and invoice:
        payments.link_payment_intent(payment_intent, invoice)


def checkout_completed(event: Envelope) -> None:
    """Handle a session that the buyer has completed, and one whose delayed payment has arrived days later."""
    session = CheckoutSession.read(event.data)
    checkouts.close(session.id)
    if session.subscription:
        # The subscription's first invoice sends the receipt.
        subscriptions.record_checkout(session, event.created_at)
        failures.announce_after_checkout(session)
    elif session.is_paid_sale:
        payments.record_sale(session, event.created_at)
    else:
        # The payment is still on its way, or an invoice reports it. All that is certain is who the customer is.
        customers.identify(session.customer)


def checkout_unpaid(event: Envelope) -> None:
    session = CheckoutSession.read(event.data)
    if session.subscription:
        # The subscription's first invoice reports the failure.
        subscriptions.record_checkout(session, event.created_at)
        failures.announce_after_checkout(session)
    else:
        failures.record_failed_sale(session)


def checkout_expired(event: Envelope) -> None:
    checkouts.close(event.data.require_id())


def invoice_upcoming(event: Envelope) -> None:
    reminders.announce_renewal(UpcomingInvoice.read(event.data), event.created_at)


def card_changed(event: Envelope) -> None:
    cards.record_card(CardState.read(event.data), version_of(event))


def card_expiring(event: Envelope) -> None:
    cards.record_expiring(CardState.read(event.data), version_of(event))


def card_removed(event: Envelope) -> None:
    cards.record_removal(event.data.require_id(), version_of(event))


def subscription_updated(event: Envelope) -> None:
    endings.record_change(SubscriptionState.read(event.data), version_of(event))


def subscription_ended(event: Envelope) -> None:
    endings.record_end(SubscriptionState.read(event.data), version_of(event))


def schedule_changed(event: Envelope) -> None:
    subscriptions.record_schedule(Schedule.read(event.data), version_of(event))


def trial_ending(event: Envelope) -> None:
    subscriptions.announce_trial_end(SubscriptionState.read(event.data), version_of(event))


def refund_updated(event: Envelope) -> None:
    refunds.record_refund(Refund.read(event.data), event.created_at)


def refund_failed(event: Envelope) -> None:
    refund = Refund.read(event.data)
    is_undone = refund.status in refunds.UNDONE
    refunds.record_refund(refund if is_undone else replace(refund, status="failed"), event.created_at)


def charge_refunded(event: Envelope) -> None:
    refunds.record_refunded_charge(Charge.read(event.data), event.created_at)


def dispute_changed(event: Envelope) -> None:
    disputes.record_dispute(DisputeState.read(event.data), version_of(event))


def fraud_suspected(event: Envelope) -> None:
    disputes.record_warning(FraudWarning.read(event.data), version_of(event))


def customer_updated(event: Envelope) -> None:
    customers.record_update(CustomerRef.read(event.data.require_id(), event.data), event.created_at)
    cards.record_default(event.data.id, default_method_of(event.data), version_of(event))


def customer_deleted(event: Envelope) -> None:
    customers.record_deletion(event.data.require_id())


def version_of(event: Envelope) -> str:
    return versions.of_event(event.type, event.created_at, event.id)


HANDLERS: Mapping[str, Handler] = {
    "checkout.session.completed": checkout_completed,
    # Delayed payment methods, such as a direct debit, send one of these two days after "completed".
    "checkout.session.async_payment_succeeded": checkout_completed,
    "checkout.session.async_payment_failed": checkout_unpaid,
    "checkout.session.expired": checkout_expired,
    # Both report a payment that was collected. Only the first one also reports a payment made outside Stripe.
    "invoice.paid": invoice_paid,
    "invoice.payment_succeeded": invoice_paid,
    # Stripe can send both for the same attempt. They share one email key, so the customer gets one email.
    "invoice.payment_failed": invoice_unpaid,
    "invoice.payment_action_required": invoice_unpaid,
    "invoice.voided": invoice_closed,
    "invoice.marked_uncollectible": invoice_closed,
    "invoice.upcoming": invoice_upcoming,
    "invoice_payment.paid": invoice_payment_paid,
    "customer.subscription.created": subscription_updated,
    "customer.subscription.updated": subscription_updated,
    "customer.subscription.paused": subscription_updated,
    "customer.subscription.resumed": subscription_updated,
    "customer.subscription.trial_will_end": trial_ending,
    "customer.subscription.deleted": subscription_ended,
    "subscription_schedule.created": schedule_changed,
    "subscription_schedule.updated": schedule_changed,
    "subscription_schedule.released": schedule_changed,
    "subscription_schedule.canceled": schedule_changed,
    "subscription_schedule.completed": schedule_changed,
    "subscription_schedule.aborted": schedule_changed,
    "payment_method.attached": card_changed,
    "payment_method.updated": card_changed,
    "payment_method.automatically_updated": card_changed,
    "payment_method.detached": card_removed,
    # Cards that were stored before Stripe had payment methods.
    "customer.source.created": card_changed,
    "customer.source.updated": card_changed,
    "customer.source.expiring": card_expiring,
    "customer.source.deleted": card_removed,
    "customer.updated": customer_updated,
    "customer.deleted": customer_deleted,
    "refund.created": refund_updated,
    "refund.updated": refund_updated,
    "refund.failed": refund_failed,
    # What older API versions call refund.updated.
    "charge.refund.updated": refund_updated,
    "charge.dispute.created": dispute_changed,
    "charge.dispute.updated": dispute_changed,
    "charge.dispute.funds_withdrawn": dispute_changed,
    "charge.dispute.funds_reinstated": dispute_changed,
    "charge.dispute.closed": dispute_changed,
    "radar.early_fraud_warning.created": fraud_suspected,
    "radar.early_fraud_warning.updated": fraud_suspected,
    # This one has only the running total. It is for endpoints that don't receive refund.created.
    "charge.refunded": charge_refunded,
}
