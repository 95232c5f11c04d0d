"""The objects at Stripe that a story is about, and how each event changes them.

An event contains the whole object as it was at that moment. So the objects are kept from step to step, and each step
changes one of them.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from billing.testing import invoices, refunds, sessions, subscriptions
from billing.testing.scenario import Data, Scenario, new_id
from billing.testing.stories import bills, cards
from billing.testing.stories.offers import Purchase, plan_fields, price_fields, purchase
from billing.testing.stories.times import SECONDS, resolved

# What an event type is about. The first prefix that fits counts.
KINDS: Mapping[str, str] = {
    "checkout.session.": "session",
    "invoice.upcoming": "upcoming invoice",
    "invoice.": "invoice",
    "invoice_payment.": "invoice payment",
    "customer.subscription.": "subscription",
    "customer.source.": "old card",
    "subscription_schedule.": "schedule",
    "customer.": "customer",
    "payment_method.": "card",
    "refund.": "refund",
    "charge.refund.": "refund",
    "charge.dispute.": "dispute",
    "charge.": "charge",
    "radar.early_fraud_warning.": "warning",
}
# Fields that events can have although most objects don't.
OPTIONAL = {
    "automatic_tax",
    "default_source",
    "discount",
    "discounts",
    "ending_before",
    "failure_reason",
    "presentment_details",
    "total_discount_amounts",
}
# Words of ours, next to the fields of the object.
ITEMS, REPLACED, PERIOD_END, NEXT_ITEMS = "items", "instead_of", "current_period_end", "next"
ID_OF = "id of "


class Objects:
    """The objects of one story. ``change`` returns the object of an event, in the newer generation."""

    def __init__(self, scenario: Scenario, items: Sequence[str], *, is_guest: bool = False) -> None:
        self.scenario, self.is_guest = scenario, is_guest
        self.items = [purchase(words) for words in items]
        self.bill = ""  # the name of the newest invoice or session that was paid or failed
        self.known: dict[tuple[str, str], Data] = {}
        self.newest: dict[str, str] = {}
        self.scenarios: dict[str, Scenario] = {}

    def change(self, event_type: str, name: str, changes: Mapping[str, Any], at: int) -> tuple[Data, Scenario]:
        """Apply the event to the object with this name. Returns a copy of the object, and the scenario of its invoice.

        Raises ``ValueError`` for a type that stories don't have, and for a field that the object doesn't have.
        """
        kind = next((kind for prefix, kind in KINDS.items() if event_type.startswith(prefix)), "")
        if not kind:
            raise ValueError(f"Stories have no events of the type {event_type!r}.")
        name = name or self.newest.get(kind, "first")
        self.newest[kind] = name
        values = dict(changes)
        if ITEMS in values:
            self.items = [purchase(words) for words in values.pop(ITEMS)]
        scenario = self.scenario_of(kind, name, at)
        known = self.known.get((kind, name))
        data = self.described(kind, known or self.built(kind, scenario, values), values, scenario, is_new=not known)
        data = merged(data, IMPLIED.get(event_type, unchanged)(data, scenario))
        check_fields(kind, data, values)
        data = merged(data, {field: resolved(self.with_ids(value), at) for field, value in values.items()})
        self.known[kind, name] = data
        return deepcopy(data), scenario

    def with_ids(self, value: object) -> object:
        """Return the id of the newest card for ``id of card``, and so on. Any other value is returned as it is."""
        kind = value.removeprefix(ID_OF) if isinstance(value, str) and value.startswith(ID_OF) else ""
        if not kind:
            return value
        if kind not in self.newest:
            raise ValueError(f"There is no {kind} yet.")
        return self.known[kind, self.newest[kind]]["id"]

    def scenario_of(self, kind: str, name: str, at: int) -> Scenario:
        """Return the scenario with the ids of the invoice that the object is about."""
        if kind in ("invoice", "session"):
            self.bill = name
            if name not in self.scenarios:
                self.scenarios[name] = another_bill(self.scenario) if self.scenarios else self.scenario
        scenario = self.scenarios.get(self.bill, self.scenario)
        return replace(scenario, now=at, amount=self.amount_of(self.bill))

    def amount_of(self, name: str) -> int:
        """Return the total of the invoice or session with this name, or of the items if there is neither."""
        invoice, session = (self.known.get((kind, name)) for kind in ("invoice", "session"))
        if invoice:
            return int(invoice["total"])
        if session and session["mode"] == "payment":
            return int(session["amount_total"])
        return sum(item.amount for item in self.items)

    def built(self, kind: str, scenario: Scenario, values: Mapping[str, Any]) -> Data:
        """Return the new object, before its first event."""
        build = BUILDERS[kind]
        if kind == "session" and values.get("mode") == "payment":
            build = sessions.sale_session
        elif kind == "session" and values.get("payment_status") == "no_payment_required":
            build = sessions.trial_session
        data = build(scenario)
        return data | {"customer": None} if self.is_guest and "customer" in data else data

    def described(self, kind: str, data: Data, values: dict[str, Any], scenario: Scenario, *, is_new: bool) -> Data:
        """Return the object with the items that the subscription has now. Removes our own words from ``values``."""
        if kind == "subscription":
            return self.with_items(data, values.pop(PERIOD_END, None), scenario, is_new=is_new)
        if kind in ("invoice", "upcoming invoice") and is_new:
            replaced = values.pop(REPLACED, "")
            return bills.described(
                data,
                self.items,
                scenario,
                instead_of=purchase(replaced) if replaced else None,
                is_trial=self.is_trial,
            )
        if kind == "schedule" and NEXT_ITEMS in values:
            return data | {"phases": self.phases(data, values.pop(NEXT_ITEMS), scenario)}
        if kind == "charge":
            return data | {"amount_refunded": self.refunded, "refunded": self.refunded >= data["amount"]}
        return data

    @property
    def is_trial(self) -> bool:
        subscription = self.known.get(("subscription", self.newest.get("subscription", "")), {})
        return subscription.get("status") == "trialing"

    @property
    def refunded(self) -> int:
        refunded = (data for (kind, _), data in self.known.items() if kind == "refund")
        return sum(refund["amount"] for refund in refunded if refund["status"] in ("succeeded", "pending"))

    def with_items(self, data: Data, period_end: object, scenario: Scenario, *, is_new: bool) -> Data:
        """Return the subscription with its items. The period changes only if its end is given, or if it is new."""
        known = {item["price"]["id"]: item for item in data["items"]["data"]}
        first = data["items"]["data"][0]
        end = scenario.now + SECONDS[self.items[0].offer.interval] if is_new else first["current_period_end"]
        period = {"current_period_start": first["current_period_start"], "current_period_end": end}
        if period_end is not None:
            period = {"current_period_start": scenario.now, "current_period_end": resolved(period_end, scenario.now)}
        rows = [self.item(item, known.get(item.offer.price_id), scenario) | period for item in self.items]
        items = {**data["items"], "data": rows, "total_count": len(rows)}
        return data | {"items": items, "currency": self.items[0].offer.currency}

    def phases(self, schedule: Data, following: Sequence[str], scenario: Scenario) -> list[Data]:
        """Return the phase with today's items, which ends with the period, and the phase with the following ones."""
        subscription = self.known.get(("subscription", self.newest.get("subscription", "")))
        dates = subscription["items"]["data"][0] if subscription else {}
        end = dates.get("current_period_end", scenario.now + SECONDS["month"])
        first, second = schedule["phases"]
        return [
            {**first, "end_date": end, "items": [phase_item(item) for item in self.items]},
            {
                **second,
                "start_date": end,
                "end_date": end + SECONDS["month"],
                "items": [phase_item(purchase(words)) for words in following],
            },
        ]

    def item(self, bought: Purchase, known: Data | None, scenario: Scenario) -> Data:
        item = deepcopy(known) if known else {**subscriptions.item(scenario), "id": new_id("si")}
        recurring = item["price"]["recurring"] | {"interval": bought.offer.interval}
        item["price"] |= {**price_fields(bought.offer), "recurring": recurring}
        item["plan"] |= plan_fields(bought.offer)
        return item | {"quantity": bought.quantity}


def another_bill(scenario: Scenario) -> Scenario:
    return replace(scenario, invoice=new_id("in"), payment_intent=new_id("pi"), is_renewal=True)


def phase_item(item: Purchase) -> Data:
    return {"price": item.offer.price_id, "quantity": item.quantity}


BUILDERS: Mapping[str, Callable[[Scenario], Data]] = {
    "session": sessions.subscription_session,
    "invoice": lambda scenario: invoices.invoice(scenario, attempt_count=0, attempted=False),
    "upcoming invoice": cards.upcoming_invoice,
    "invoice payment": invoices.invoice_payment,
    "subscription": subscriptions.subscription,
    "schedule": subscriptions.schedule,
    "customer": refunds.customer,
    "card": cards.payment_method,
    "old card": cards.old_card,
    "refund": refunds.refund,
    "charge": refunds.refunded_charge,
    "dispute": refunds.dispute,
    "warning": cards.early_fraud_warning,
}


# What events change by themselves


def unchanged(data: Data, scenario: Scenario) -> Data:
    return {}


def ended(data: Data, scenario: Scenario) -> Data:
    reason = {"reason": "cancellation_requested"}
    return {
        "status": "canceled",
        "canceled_at": scenario.now,
        "ended_at": scenario.now,
        "cancellation_details": {**data["cancellation_details"], **reason},
    }


def released(data: Data, scenario: Scenario) -> Data:
    return {"status": "released", "released_subscription": scenario.subscription, "subscription": None}


IMPLIED: Mapping[str, Callable[[Data, Scenario], Data]] = {
    "invoice.paid": bills.paid,
    "invoice.payment_succeeded": bills.paid,
    "invoice.payment_failed": bills.failed,
    "invoice.payment_action_required": bills.failed,
    "invoice.voided": lambda data, scenario: bills.closed("void"),
    "invoice.marked_uncollectible": lambda data, scenario: bills.closed("uncollectible"),
    "customer.subscription.deleted": ended,
    "customer.subscription.paused": lambda data, scenario: {"status": "paused"},
    "customer.subscription.resumed": lambda data, scenario: {"status": "active"},
    "subscription_schedule.released": released,
    "subscription_schedule.canceled": lambda data, scenario: {"status": "canceled"},
    "subscription_schedule.aborted": lambda data, scenario: {"status": "canceled"},
    "subscription_schedule.completed": lambda data, scenario: {"status": "completed"},
    "refund.failed": lambda data, scenario: {"status": "failed", "failure_reason": "expired_or_canceled_card"},
    "charge.dispute.funds_withdrawn": lambda data, scenario: {"status": "needs_response"},
    "charge.dispute.closed": lambda data, scenario: {"status": "won"},
    "checkout.session.expired": lambda data, scenario: {
        "customer_details": None,
        "payment_status": "unpaid",
        "status": "expired",
    },
    "payment_method.detached": lambda data, scenario: {"customer": None},
}


def merged(data: Data, changes: Mapping[str, Any]) -> Data:
    """Return the object with the changes, which keep the fields of inner objects that they don't name."""
    inner = {
        name: merged(data[name], value) if isinstance(value, dict) and isinstance(data.get(name), dict) else value
        for name, value in changes.items()
    }
    return data | inner


def check_fields(kind: str, data: Data, values: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` for a field that Stripe's objects of this kind don't have, such as one with a typo."""
    unknown = set(values) - set(data) - OPTIONAL
    if unknown:
        raise ValueError(f"Stripe's {kind} has no field {', '.join(sorted(unknown))}.")
