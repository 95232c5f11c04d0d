"""Sample events as Stripe documents them, for trying things out without a Stripe account."""

from collections.abc import Callable, Mapping
from typing import Any

from billing.testing import cards, invoices, refunds, sessions, subscriptions
from billing.testing.generations import API_VERSIONS, in_old_generation
from billing.testing.scenario import Data, Scenario, new_id
from billing.webhook.handlers import HANDLERS

SampleEvent = dict[str, Any]

GENERATIONS = tuple(API_VERSIONS)

# Stripe sends this type since API version 2025-05-28.
ONLY_NEW = ("invoice_payment.paid",)
REFUNDS = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated", "charge.refunded")
DISPUTES = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
)
FRAUD_WARNINGS = ("radar.early_fraud_warning.created", "radar.early_fraud_warning.updated")
ABOUT_A_PAYMENT = (*REFUNDS, *DISPUTES, *FRAUD_WARNINGS, "invoice_payment.paid")
PAYMENTS = ("invoice.paid", "invoice.payment_succeeded")
FAILURES = ("invoice.payment_failed", "invoice.payment_action_required")
WITHOUT_ADDRESS = ("customer.subscription.trial_will_end", "customer.subscription.deleted")

OBJECTS: Mapping[str, Callable[[Scenario], Data]] = {
    "checkout.session.completed": sessions.subscription_session,
    "checkout.session.async_payment_succeeded": sessions.sale_session,
    "checkout.session.async_payment_failed": lambda scenario: sessions.sale_session(scenario, payment_status="unpaid"),
    "checkout.session.expired": sessions.expired_session,
    "invoice.paid": invoices.paid_invoice,
    "invoice.payment_succeeded": invoices.paid_invoice,
    "invoice.payment_failed": invoices.failed_invoice,
    "invoice.payment_action_required": invoices.failed_invoice,
    "invoice.voided": lambda scenario: invoices.closed_invoice(scenario, status="void"),
    "invoice.marked_uncollectible": lambda scenario: invoices.closed_invoice(scenario, status="uncollectible"),
    "invoice.upcoming": cards.upcoming_invoice,
    "invoice_payment.paid": invoices.invoice_payment,
    "customer.subscription.created": subscriptions.subscription,
    "customer.subscription.updated": subscriptions.subscription,
    "customer.subscription.paused": lambda scenario: subscriptions.subscription(scenario, status="paused"),
    "customer.subscription.resumed": subscriptions.subscription,
    "customer.subscription.trial_will_end": subscriptions.trial,
    "customer.subscription.deleted": subscriptions.ended_subscription,
    "subscription_schedule.created": subscriptions.schedule,
    "subscription_schedule.updated": subscriptions.schedule,
    "subscription_schedule.released": lambda scenario: subscriptions.schedule(scenario, status="released"),
    "subscription_schedule.canceled": lambda scenario: subscriptions.schedule(scenario, status="canceled"),
    "subscription_schedule.completed": lambda scenario: subscriptions.schedule(scenario, status="completed"),
    "subscription_schedule.aborted": lambda scenario: subscriptions.schedule(scenario, status="canceled"),
    "payment_method.attached": cards.payment_method,
    "payment_method.updated": cards.payment_method,
    "payment_method.automatically_updated": cards.payment_method,
    "payment_method.detached": cards.detached_payment_method,
    "customer.source.created": cards.card,
    "customer.source.updated": cards.card,
    "customer.source.expiring": cards.card,
    "customer.source.deleted": cards.card,
    "customer.updated": refunds.customer,
    "customer.deleted": refunds.customer,
    "refund.created": refunds.refund,
    "refund.updated": refunds.refund,
    "refund.failed": refunds.failed_refund,
    "charge.refund.updated": refunds.refund,
    "charge.dispute.created": refunds.dispute,
    "charge.dispute.updated": lambda scenario: refunds.dispute(scenario, status="under_review"),
    "charge.dispute.funds_withdrawn": refunds.dispute,
    "charge.dispute.funds_reinstated": lambda scenario: refunds.dispute(scenario, status="won"),
    "charge.dispute.closed": lambda scenario: refunds.dispute(scenario, status="won"),
    "radar.early_fraud_warning.created": refunds.fraud_warning,
    "radar.early_fraud_warning.updated": refunds.fraud_warning,
    "charge.refunded": refunds.refunded_charge,
}


def types(generation: str = "new") -> list[str]:
    """Return the types that we handle and that Stripe sends in this generation."""
    return [name for name in HANDLERS if generation == "new" or name not in ONLY_NEW]


def events(
    event_type: str, email: str, *, amount: int | None = None, currency: str = "", generation: str = "new"
) -> list[SampleEvent]:
    """Return the event, preceded by the earlier events that it depends on and that the database doesn't know yet.

    The default amount is the plan's price, or the refunded payment. Every call creates new ids, except for the
    customer, the running subscription, and the payment of a refund. ``generation`` is one of GENERATIONS.
    """
    scenario = Scenario.for_person(email, amount, currency, refers_to_payment=event_type in ABOUT_A_PAYMENT)
    preceding = [
        event(name, scenario, data, generation) for name, data in preceding_objects(event_type, scenario, generation)
    ]
    return [*preceding, event(event_type, scenario, OBJECTS[event_type](scenario), generation)]


def preceding_objects(event_type: str, scenario: Scenario, generation: str) -> list[tuple[str, Data]]:
    """Return the types and objects of the earlier events.

    Refunds and subscriptions contain no address. It comes from the payment or from the checkout session. A payment that
    fails or arrives late also changes the subscription, which Stripe reports in an event of its own.
    """
    if event_type in FAILURES:
        created = [("customer.subscription.created", subscriptions.subscription(scenario))]
        past_due = subscriptions.subscription(scenario, status="past_due")
        return [*([] if scenario.has_subscription else created), ("customer.subscription.updated", past_due)]
    if event_type in PAYMENTS and scenario.is_past_due:
        return [("customer.subscription.updated", subscriptions.subscription(scenario))]
    if event_type in (*REFUNDS, *DISPUTES, *FRAUD_WARNINGS) and not scenario.has_payment_intent:
        paid = ("invoice.paid", invoices.paid_invoice(scenario))
        link = ("invoice_payment.paid", invoices.invoice_payment(scenario))
        if generation == "old":
            return [paid]  # older invoices name their payment intent and charge themselves
        return [link] if scenario.has_paid_invoice else [paid, link]
    if event_type in WITHOUT_ADDRESS and not scenario.has_known_address:
        return [("checkout.session.completed", sessions.trial_session(scenario))]
    return []


def event(event_type: str, scenario: Scenario, data: Data, generation: str) -> SampleEvent:
    """Wrap the object in an event. Its request is empty, as if Stripe itself caused the event."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSIONS[generation],
        "created": scenario.now,
        "data": {"object": in_old_generation(data, scenario) if generation == "old" else data},
        "livemode": scenario.livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": event_type,
    }
