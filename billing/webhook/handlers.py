"""What each type of event does. To react to another type, add a handler here and list it in HANDLERS.

An event whose type isn't listed is stored and changes nothing. Handlers run inside the transaction that marks the event
as processed. Stripe sends events more than once and out of order, so everything they call must tolerate both.
"""

from collections.abc import Callable, Mapping

from billing.payloads import Charge, CheckoutSession, Invoice, Refund, SubscriptionState
from billing.services import checkouts, customers, payments, refunds, subscriptions
from billing.webhook.envelope import Envelope

Handler = Callable[[Envelope], None]


def invoice_paid(event: Envelope) -> None:
    invoice = Invoice.read(event.data)
    if invoice.is_paid:
        payments.record_paid_invoice(invoice, event.created_at)


def invoice_unpaid(event: Envelope) -> None:
    needs_action = event.type == "invoice.payment_action_required"
    payments.record_failed_invoice(Invoice.read(event.data), needs_action=needs_action)


def invoice_payment_paid(event: Envelope) -> None:
    payment_intent, invoice = event.data.inner("payment").ref("payment_intent"), event.data.ref("invoice")
    if payment_intent and invoice:
        payments.link_payment_intent(payment_intent, invoice)


def checkout_completed(event: Envelope) -> None:
    """Also handles payment methods that take days, whose money arrives after the session is completed."""
    session = CheckoutSession.read(event.data)
    checkouts.close(session.id)
    if session.subscription:
        subscriptions.record_checkout(session, event.created_at)
    elif session.is_paid_sale:
        payments.record_sale(session, event.created_at)
    else:
        customers.identify(session.customer)


def checkout_failed(event: Envelope) -> None:
    payments.record_failed_sale(CheckoutSession.read(event.data))


def checkout_expired(event: Envelope) -> None:
    checkouts.close(event.data.require_id())


def subscription_updated(event: Envelope) -> None:
    subscriptions.record_state(SubscriptionState.read(event.data), version(event))


def subscription_ended(event: Envelope) -> None:
    subscriptions.record_end(SubscriptionState.read(event.data), version(event))


def trial_ending(event: Envelope) -> None:
    subscriptions.announce_trial_end(SubscriptionState.read(event.data), version(event))


def refund_updated(event: Envelope) -> None:
    refunds.record_refund(Refund.read(event.data))


def refund_failed(event: Envelope) -> None:
    refunds.report_failed_refund(Refund.read(event.data))


def charge_refunded(event: Envelope) -> None:
    refunds.record_refunded_charge(Charge.read(event.data))


def customer_deleted(event: Envelope) -> None:
    customers.record_deletion(event.data.require_id())


HANDLERS: Mapping[str, Handler] = {
    "checkout.session.completed": checkout_completed,
    "checkout.session.async_payment_succeeded": checkout_completed,
    "checkout.session.async_payment_failed": checkout_failed,
    "checkout.session.expired": checkout_expired,
    "invoice.paid": invoice_paid,
    "invoice.payment_succeeded": invoice_paid,
    "invoice.payment_failed": invoice_unpaid,
    "invoice.payment_action_required": invoice_unpaid,
    "invoice_payment.paid": invoice_payment_paid,
    "customer.subscription.created": subscription_updated,
    "customer.subscription.updated": subscription_updated,
    "customer.subscription.paused": subscription_updated,
    "customer.subscription.resumed": subscription_updated,
    "customer.subscription.trial_will_end": trial_ending,
    "customer.subscription.deleted": subscription_ended,
    "customer.deleted": customer_deleted,
    "refund.created": refund_updated,
    "refund.updated": refund_updated,
    "refund.failed": refund_failed,
    "charge.refunded": charge_refunded,
}

# Stripe's clock counts whole seconds. Of several events about one subscription in the same second, the one with the
# highest rank is the newest: a subscription is created first and deleted last.
RANKS = {
    "customer.subscription.created": 0,
    "customer.subscription.trial_will_end": 1,
    "customer.subscription.deleted": 3,
}
DEFAULT_RANK = 2


def version(event: Envelope) -> str:
    return subscriptions.version_of(event.created_at, RANKS.get(event.type, DEFAULT_RANK), event.id)
