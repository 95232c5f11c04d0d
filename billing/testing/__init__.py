"""Events as Stripe documents them, made up for anybody: to try things out without an account at Stripe."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from billing.testing import invoices, refunds, sessions, subscriptions
from billing.testing.generations import API_VERSIONS, in_old_generation
from billing.testing.story import Data, Story, fresh
from billing.webhook.handlers import HANDLERS

Event = dict[str, Any]

GENERATIONS = tuple(API_VERSIONS)

# Since API version 2025-05-28.
ONLY_NEW = ("invoice_payment.paid",)
REFUNDS = ("refund.created", "refund.updated", "refund.failed", "charge.refunded")
REFERRING_BACK = (*REFUNDS, "invoice_payment.paid")
WITHOUT_AN_ADDRESS = ("customer.subscription.trial_will_end", "customer.subscription.deleted")

OBJECTS: Mapping[str, Callable[[Story], Data]] = {
    "checkout.session.completed": sessions.subscription_session,
    "checkout.session.async_payment_succeeded": sessions.sale_session,
    "checkout.session.async_payment_failed": lambda story: sessions.sale_session(story, payment_status="unpaid"),
    "checkout.session.expired": sessions.expired_session,
    "invoice.paid": invoices.paid_invoice,
    "invoice.payment_succeeded": invoices.paid_invoice,
    "invoice.payment_failed": invoices.failed_invoice,
    "invoice.payment_action_required": invoices.failed_invoice,
    "invoice_payment.paid": invoices.invoice_payment,
    "customer.subscription.created": subscriptions.subscription,
    "customer.subscription.updated": subscriptions.subscription,
    "customer.subscription.paused": lambda story: subscriptions.subscription(story, status="paused"),
    "customer.subscription.resumed": subscriptions.subscription,
    "customer.subscription.trial_will_end": subscriptions.trial,
    "customer.subscription.deleted": subscriptions.ended_subscription,
    "customer.deleted": refunds.customer,
    "refund.created": refunds.refund,
    "refund.updated": refunds.refund,
    "refund.failed": refunds.failed_refund,
    "charge.refunded": refunds.refunded_charge,
}


def types(generation: str = "new") -> list[str]:
    """Those that something here handles and that Stripe sends in this generation."""
    return [name for name in HANDLERS if generation == "new" or name not in ONLY_NEW]


def events(
    event_type: str, email: str, *, amount: int | None = None, currency: str = "", generation: str = "new"
) -> list[Event]:
    """The event, and before it what Stripe would have told earlier where this database does not know it yet.

    Without an amount it is the price of the plan, or the payment that is refunded. Ids are new at every call, except
    those of the customer, the running subscription and what a refund is about. ``generation``: one of GENERATIONS.
    """
    story = Story.about(email, amount, currency, refers_back=event_type in REFERRING_BACK)
    before = [event(name, story, data, generation) for name, data in earlier(event_type, story, generation)]
    return [*before, event(event_type, story, OBJECTS[event_type](story), generation)]


def earlier(event_type: str, story: Story, generation: str) -> list[tuple[str, Data]]:
    """Neither refunds nor subscriptions hold an address: it is known from the payment, or from the checkout."""
    if event_type in REFUNDS and not story.payment_is_known:
        paid = ("invoice.paid", invoices.paid_invoice(story))
        link = ("invoice_payment.paid", invoices.invoice_payment(story))
        if generation == "old":  # where the invoice itself names its payment intent and its charge
            return [paid]
        return [link] if story.invoice_is_known else [paid, link]
    if event_type in WITHOUT_AN_ADDRESS and not story.person_is_known:
        return [("checkout.session.completed", sessions.trial_session(story))]
    return []


def event(event_type: str, story: Story, data: Data, generation: str) -> Event:
    """What stands around the object. Stripe itself did it, as in a renewal: hence no request."""
    return {
        "id": fresh("evt"), "object": "event", "api_version": API_VERSIONS[generation], "created": int(time.time()),
        "data": {"object": in_old_generation(data, story) if generation == "old" else data},
        "livemode": story.livemode, "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None},
        "type": event_type,
    }  # fmt: skip
