"""What each type of event does. A type that is not in the table is stored and changes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from billing.payloads import Charge, Invoice, Refund, Session, SubscriptionState
from billing.payloads.values import Payload, inner, own_id, ref
from billing.services import checkouts, customers, payments, refunds, subscriptions


@dataclass(frozen=True, slots=True)
class Event:
    """What a handler needs of an event. ``created_at`` is when it happened, in whole seconds."""

    id: str
    type: str
    created_at: datetime
    data: Payload


Handler = Callable[[Event], None]


def invoice_paid(event: Event) -> None:
    invoice = Invoice.read(event.data)
    if invoice.is_paid:
        payments.record_paid_invoice(invoice, event.created_at)


def invoice_failed(event: Event) -> None:
    payments.record_failed_invoice(Invoice.read(event.data), needs_action=False)


def invoice_needs_action(event: Event) -> None:
    payments.record_failed_invoice(Invoice.read(event.data), needs_action=True)


def invoice_payment_paid(event: Event) -> None:
    intent, invoice = ref(inner(event.data, "payment").get("payment_intent")), ref(event.data.get("invoice"))
    if intent and invoice:
        payments.link_payment_intent(intent, invoice)


def checkout_completed(event: Event) -> None:
    """Also when the money arrived days later."""
    session = Session.read(event.data)
    checkouts.close(session.id)
    if session.subscription:
        subscriptions.note_checkout(session, event.created_at)
    elif session.has_own_receipt:
        payments.record_sale(session, event.created_at)
    else:
        customers.identify(session.party)


def checkout_failed(event: Event) -> None:
    payments.record_failed_sale(Session.read(event.data))


def checkout_expired(event: Event) -> None:
    checkouts.close(own_id(event.data))


def subscription_told(event: Event) -> None:
    subscriptions.apply(SubscriptionState.read(event.data), version(event))


def subscription_ended(event: Event) -> None:
    subscriptions.end(SubscriptionState.read(event.data), version(event))


def trial_ending(event: Event) -> None:
    subscriptions.announce_trial_end(SubscriptionState.read(event.data), version(event))


def refunded(event: Event) -> None:
    refunds.record_refund(Refund.read(event.data))


def refund_failed(event: Event) -> None:
    refunds.note_failed_refund(Refund.read(event.data))


def charge_refunded(event: Event) -> None:
    refunds.record_refunded_charge(Charge.read(event.data))


def customer_deleted(event: Event) -> None:
    customers.note_deletion(own_id(event.data))


HANDLERS: Mapping[str, Handler] = {
    "checkout.session.completed": checkout_completed,
    "checkout.session.async_payment_succeeded": checkout_completed,
    "checkout.session.async_payment_failed": checkout_failed,
    "checkout.session.expired": checkout_expired,
    "invoice.paid": invoice_paid,
    "invoice.payment_succeeded": invoice_paid,
    "invoice.payment_failed": invoice_failed,
    "invoice.payment_action_required": invoice_needs_action,
    "invoice_payment.paid": invoice_payment_paid,
    "customer.subscription.created": subscription_told,
    "customer.subscription.updated": subscription_told,
    "customer.subscription.paused": subscription_told,
    "customer.subscription.resumed": subscription_told,
    "customer.subscription.trial_will_end": trial_ending,
    "customer.subscription.deleted": subscription_ended,
    "customer.deleted": customer_deleted,
    "refund.created": refunded,
    "refund.updated": refunded,
    "refund.failed": refund_failed,
    "charge.refunded": charge_refunded,
}
# Of several events about a subscription in one second: which of them says the newest.
RANKS = {
    "customer.subscription.created": 0,
    "customer.subscription.trial_will_end": 1,
    "customer.subscription.deleted": 3,
}


def version(event: Event) -> str:
    return subscriptions.version_of(event.created_at, RANKS.get(event.type, 2), event.id)
