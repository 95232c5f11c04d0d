"""A small Stripe with subscriptions: prices, previews, proration, invoices, schedules, and the events of all of it.

    with StripeBilling() as stripe:
        stripe.subscribe("cus_1", [("price_pro", 1)])
        …
        stripe.deliver("old")        # posts the events that have come up since the last delivery

It extends the stand-in for Checkout, so requests, faults, and idempotency keys work in the same way. ``card`` decides
what happens to a payment: ``ok``, ``declined``, or ``confirm`` (the bank asks for 3-D Secure).
"""

import copy
import re
import time
import uuid
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from billing.tests.support.stripe_events import post
from billing.tests.support.stripe_refusals import Json, RequestRefused, refuse_unknown, require
from billing.tests.support.stripe_standin import ROUTES, StripeRequest, StripeStandIn, existing

DAY = 86_400
LENGTHS: dict[str, int] = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY, "year": 365 * DAY}
VERSIONS = {"new": "2026-10-28.endive", "old": "2025-02-24.acacia"}
FLOWS = ("payment_method_update", "subscription_cancel", "subscription_update")
UPDATE = {
    "items",
    "proration_behavior",
    "proration_date",
    "payment_behavior",
    "cancel_at_period_end",
    "cancel_at",
}


class StripeBilling(StripeStandIn):
    def __init__(self) -> None:
        super().__init__()
        self.catalog: dict[str, Json] = {}
        self.schedules: dict[str, Json] = {}
        self.issued: list[Json] = []
        self.events: list[Json] = []
        self.card = "ok"
        self.tax_percent = 0

    # What tests prepare

    def add_price(  # type: ignore[override]
        self, price_id: str, amount: int, interval: str = "month", count: int = 1, **values: Any
    ) -> None:
        recurring = {"interval": interval, "interval_count": count, "usage_type": "licensed", "meter": None}
        self.catalog[price_id] = {
            "id": price_id,
            "object": "price",
            "active": True,
            "billing_scheme": "per_unit",
            "currency": "usd",
            "recurring": recurring,
            "type": "recurring",
            "unit_amount": amount,
            **values,
        }

    def subscribe(self, customer: str, bought: Iterable[tuple[str, int]], **values: Any) -> Json:
        """Create an active subscription whose period began ten days ago, with the event about it."""
        now = int(time.time())
        start = values.pop("period_start", now - 10 * DAY)
        items = [self.new_item(price, quantity, start) for price, quantity in bought]
        subscription = {
            "id": self._id("sub"),
            "object": "subscription",
            "customer": customer,
            "status": "active",
            "currency": items[0]["price"]["currency"],
            "items": {"object": "list", "data": items, "has_more": False},
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "collection_method": "charge_automatically",
            "default_payment_method": "pm_1",
            "discounts": [],
            "ended_at": None,
            "metadata": {},
            "pause_collection": None,
            "schedule": None,
            "trial_end": None,
            **values,
        }
        self.subscriptions[subscription["id"]] = subscription
        self.emit("customer.subscription.created", subscription)
        return subscription

    def new_item(self, price_id: str, quantity: int, start: int) -> Json:
        price = self.catalog[price_id]
        return {
            "id": self._id("si"),
            "object": "subscription_item",
            "price": price,
            "quantity": quantity,
            "discounts": [],
            "tax_rates": [],
            "current_period_start": start,
            "current_period_end": start + length_of(price),
        }

    # Events

    def emit(self, event_type: str, data: Json, *, seconds: int = 0) -> None:
        event = {
            "id": f"evt_{uuid.uuid4().hex}",
            "object": "event",
            "created": int(time.time()) + seconds,
            "data": {"object": copy.deepcopy(data)},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": event_type,
        }
        self.events.append(event)

    def deliver(self, generation: str = "new", order: Callable[[list[Any]], list[Any]] = list) -> list[int]:
        """Post the new events to the webhook and return the status codes."""
        events, self.events = order(self.events), []
        return [post(rendered(event, generation)).status_code for event in events]

    # Requests

    def _perform(self, request: StripeRequest) -> Json:
        for method, pattern, work in BILLING_ROUTES:
            found = re.fullmatch(pattern, request.path)
            if method == request.method and found:
                with self._lock:
                    return copy.deepcopy(work(self, request.parameters, *found.groups()))
        return super()._perform(request)

    def retrieve_price(self, parameters: Json, price_id: str) -> Json:
        price = existing(self.catalog, "price", price_id)
        return price if "expand" in parameters else {k: v for k, v in price.items() if k != "currency_options"}

    def read_subscription(self, parameters: Json, subscription_id: str) -> Json:
        refuse_unknown(parameters, {"expand"})
        subscription = existing(self.subscriptions, "subscription", subscription_id)
        schedule = self.schedules.get(subscription["schedule"] or "")
        is_expanded = schedule is not None and "expand" in parameters
        return {**subscription, "schedule": self.expanded(schedule or {}) if is_expanded else subscription["schedule"]}

    def expanded(self, schedule: Json) -> Json:
        phases = copy.deepcopy(schedule["phases"])
        for phase in phases:
            for item in phase["items"]:
                item["price"] = self.catalog[item["price"]]
        return {**schedule, "phases": phases}

    def update_subscription(self, parameters: Json, subscription_id: str) -> Json:
        refuse_unknown(parameters, UPDATE)
        subscription = existing(self.subscriptions, "subscription", subscription_id)
        require(subscription["status"] != "canceled", f"No such subscription: '{subscription_id}'", 404)
        if {"cancel_at", "cancel_at_period_end"} & parameters.keys():
            managed = f"The subscription is managed by the subscription schedule `{subscription['schedule']}`"
            require(not subscription["schedule"], managed)
            at_end = parameters.get("cancel_at_period_end") == "true"
            end = subscription["items"]["data"][0]["current_period_end"]
            subscription |= {"cancel_at_period_end": at_end, "cancel_at": end if at_end else None}
        if "items" in parameters:
            self.change_items(subscription, parameters)
        self.emit("customer.subscription.updated", subscription)
        return subscription

    def change_items(self, subscription: Json, parameters: Json) -> None:
        """Charge first, and change only what was paid, as ``error_if_incomplete`` does."""
        items, invoice = self.changed(subscription, parameters)
        if parameters.get("proration_behavior") == "always_invoice" and invoice["lines"]["data"]:
            self.pay(invoice, parameters)
        subscription["items"]["data"] = items
        schedule = self.schedules.get(subscription["schedule"] or "")
        if schedule:
            schedule["phases"][0]["items"] = [{"price": i["price"]["id"], "quantity": i["quantity"]} for i in items]

    def pay(self, invoice: Json, parameters: Json) -> None:
        if invoice["amount_due"] > 0 and self.card != "ok":
            require(parameters.get("payment_behavior") == "error_if_incomplete", "The payment failed")
            code = {"declined": "card_declined", "confirm": "subscription_payment_intent_requires_action"}[self.card]
            raise RequestRefused(402, "Your card was declined.", type="card_error", code=code)
        customer = self.customers[invoice["customer"]]
        customer["balance"] = invoice["ending_balance"]
        paid = {"id": self._id("in"), "status": "paid", "amount_paid": invoice["amount_due"], "amount_remaining": 0}
        self.issued.append({**invoice, **paid})
        self.emit("invoice.paid", self.issued[-1])

    def preview(self, parameters: Json) -> Json:
        refuse_unknown(parameters, {"subscription", "subscription_details"})
        subscription = existing(self.subscriptions, "subscription", parameters["subscription"])
        details = parameters["subscription_details"]
        refuse_unknown(details, {"items", "proration_behavior", "proration_date"})
        return {**self.changed(subscription, details)[1], "id": f"upcoming_{self._id('in')}"}

    def changed(self, subscription: Json, parameters: Json) -> tuple[list[Json], Json]:
        """Return the items after a change, and its invoice."""
        require(isinstance(parameters["items"], dict), "items")
        before = {item["id"]: item for item in subscription["items"]["data"]}
        at = int(parameters["proration_date"])
        start = next(iter(before.values()))["current_period_start"]
        require(start <= at <= time.time() + 60, "proration_date is outside of the period", param="proration_date")
        after = self.items_after(subscription, parameters["items"], before)
        length = length_of(after[0]["price"])
        is_reset = length != length_of(next(iter(before.values()))["price"]) and subscription["status"] != "trialing"
        lines = [] if subscription["status"] == "trialing" else prorated(before, after, at, is_reset=is_reset)
        if is_reset:
            now = int(time.time())
            after = [{**item, "current_period_start": now, "current_period_end": now + length} for item in after]
        return after, self.invoice(subscription, lines)

    def items_after(self, subscription: Json, wanted: Json, before: dict[str, Json]) -> list[Json]:
        after = {item_id: dict(item) for item_id, item in before.items()}
        end = next(iter(before.values()))["current_period_end"]
        start = next(iter(before.values()))["current_period_start"]
        for row in wanted.values():
            refuse_unknown(row, {"id", "price", "quantity", "deleted"})
            if "id" in row:
                require(row["id"] in after, f"No such subscription item: '{row['id']}'", param="items")
            if row.get("deleted") == "true":
                del after[row["id"]]
                continue
            missing: Json = {"code": "resource_missing", "param": "items[0][price]"}
            require(row["price"] in self.catalog, f"No such price: '{row['price']}'", **missing)
            price, quantity = self.catalog[row["price"]], int(row.get("quantity", 1))
            currencies = {price["currency"], *price.get("currency_options", {})}
            require(subscription["currency"] in currencies, "The price's currency doesn't match", param="currency")
            item = after.get(row.get("id", "")) or self.new_item(price["id"], quantity, start)
            after[item["id"]] = {**item, "price": price, "quantity": quantity, "current_period_end": end}
        items = [*after.values()]
        intervals = {length_of(item["price"]) for item in items}
        require(len(intervals) == 1, "All prices on a subscription must have the same interval", param="items")
        require(len({item["price"]["id"] for item in items}) == len(items), "A price is used twice", param="items")
        return items

    def invoice(self, subscription: Json, lines: list[Json]) -> Json:
        subtotal = sum(line["amount"] for line in lines)
        tax = round(subtotal * self.tax_percent / 100)
        total, balance = subtotal + tax, self.customers[subscription["customer"]].get("balance", 0)
        due = max(total + balance, 0)
        return {
            "object": "invoice",
            "customer": subscription["customer"],
            "customer_email": self.customers[subscription["customer"]].get("email"),
            "currency": subscription["currency"],
            "billing_reason": "subscription_update",
            "status": "draft",
            "number": f"A-{len(self.issued) + 1}",
            "attempt_count": 1,
            "next_payment_attempt": None,
            "subtotal": subtotal,
            "total": total,
            "total_taxes": [{"amount": tax, "tax_behavior": "exclusive"}] if tax else [],
            "amount_due": due,
            "amount_paid": 0,
            "starting_balance": balance,
            "ending_balance": balance + total - due,
            "lines": {"object": "list", "data": lines, "has_more": False},
            "metadata": {},
            "parent": {
                "type": "subscription_details",
                "subscription_details": {"subscription": subscription["id"], "metadata": subscription["metadata"]},
            },
        }

    # Schedules

    def create_schedule(self, parameters: Json) -> Json:
        require(set(parameters) == {"from_subscription"}, "No other parameter may be set with from_subscription")
        subscription = existing(self.subscriptions, "subscription", parameters["from_subscription"])
        require(not subscription["schedule"], "The subscription already has a schedule")
        items = subscription["items"]["data"]
        dates = {"start_date": items[0]["current_period_start"], "end_date": items[0]["current_period_end"]}
        phase = {
            **dates,
            "items": [{"price": item["price"]["id"], "quantity": item["quantity"]} for item in items],
            "discounts": [{"discount": discount, "coupon": None} for discount in subscription["discounts"]],
            "default_tax_rates": [],
        }
        schedule = {
            "id": self._id("sub_sched"),
            "object": "subscription_schedule",
            "customer": subscription["customer"],
            "current_phase": dates,
            "end_behavior": "release",
            "metadata": {},
            "phases": [phase],
            "released_subscription": None,
            "status": "active",
            "subscription": subscription["id"],
        }
        self.schedules[schedule["id"]] = schedule
        subscription["schedule"] = schedule["id"]
        self.emit("subscription_schedule.created", schedule)
        self.emit("customer.subscription.updated", subscription)
        return schedule

    def update_schedule(self, parameters: Json, schedule_id: str) -> Json:
        refuse_unknown(parameters, {"phases", "end_behavior", "proration_behavior"})
        schedule = existing(self.schedules, "subscription_schedule", schedule_id)
        require(schedule["status"] == "active", "You cannot update a subscription schedule that is released")
        phases = [self.phase(row) for row in parameters["phases"].values()]
        require(phases[0]["start_date"] == schedule["current_phase"]["start_date"], "The current phase can't be moved")
        for before, phase in pairwise(phases):
            phase["start_date"] = before["end_date"]
            phase["end_date"] = phase["start_date"] + phase.pop("length")
        schedule |= {"phases": phases, "end_behavior": parameters.get("end_behavior", schedule["end_behavior"])}
        self.emit("subscription_schedule.updated", schedule)
        return schedule

    def phase(self, row: Json) -> Json:
        known = {"items", "start_date", "end_date", "duration", "proration_behavior", "discounts", "default_tax_rates"}
        refuse_unknown(row, known)
        items = [{"price": i["price"], "quantity": int(i.get("quantity", 1))} for i in row["items"].values()]
        for item in items:
            require(item["price"] in self.catalog, f"No such price: '{item['price']}'", param="phases")
        kept = {"items": items, "discounts": [*row.get("discounts", {}).values()], "default_tax_rates": []}
        if "duration" in row:
            require("end_date" not in row, "duration and end_date")
            count = int(row["duration"]["interval_count"])
            return {**kept, "length": LENGTHS[row["duration"]["interval"]] * count}
        return {**kept, "start_date": int(row["start_date"]), "end_date": int(row["end_date"])}

    def release_schedule(self, parameters: Json, schedule_id: str) -> Json:
        schedule = existing(self.schedules, "subscription_schedule", schedule_id)
        require(schedule["status"] == "active", f"You cannot release a schedule that is {schedule['status']}")
        subscription = self.subscriptions[schedule["subscription"]]
        schedule |= {"status": "released", "released_subscription": subscription["id"], "subscription": None}
        subscription["schedule"] = None
        self.emit("subscription_schedule.released", schedule)
        self.emit("customer.subscription.updated", subscription)
        return schedule

    def portal(self, parameters: Json) -> Json:
        flow = parameters.pop("flow_data", None)
        if flow:
            require(flow["type"] in FLOWS, "flow_data")
            details = flow.get(flow["type"], {})
            is_complete = flow["type"] == "payment_method_update" or details.get("subscription") in self.subscriptions
            require(is_complete, "A subscription is needed", param="flow_data")
        return {**self.create_portal_session(parameters), "flow": flow}


BILLING_ROUTES: list[tuple[str, str, Callable[..., Json]]] = [
    ("GET", "/v1/prices/([^/]+)", StripeBilling.retrieve_price),
    ("GET", "/v1/subscriptions/([^/]+)", StripeBilling.read_subscription),
    ("POST", "/v1/subscriptions/([^/]+)", StripeBilling.update_subscription),
    ("POST", "/v1/invoices/create_preview", StripeBilling.preview),
    ("POST", "/v1/subscription_schedules", StripeBilling.create_schedule),
    ("POST", "/v1/subscription_schedules/([^/]+)", StripeBilling.update_schedule),
    ("POST", "/v1/subscription_schedules/([^/]+)/release", StripeBilling.release_schedule),
    ("POST", "/v1/billing_portal/sessions", StripeBilling.portal),
]
assert ROUTES  # the routes of the stand-in for Checkout are asked after these


def length_of(price: Json) -> int:
    recurring: Json = price["recurring"]
    return LENGTHS[str(recurring["interval"])] * int(recurring["interval_count"])


def prorated(before: dict[str, Json], after: list[Json], at: int, *, is_reset: bool) -> list[Json]:
    """Return the lines of a change: the credit for what was paid, and the charge for what replaces it."""
    kept = {item["id"]: item for item in after}
    lines = []
    for item_id, item in before.items():
        if is_reset or content_of(item) != content_of(kept.get(item_id)):
            lines.append(line_for(item, -part_of(item, at), "Unused time on", is_proration=True))
    for item in after:
        if is_reset:
            end = at + length_of(item["price"])
            lines.append(line_for({**item, "current_period_end": end}, amount_of(item), "1 ×", is_proration=False))
        elif content_of(item) != content_of(before.get(item["id"])):
            lines.append(line_for(item, part_of(item, at), "Remaining time on", is_proration=True))
    return lines


def content_of(item: Json | None) -> Any:
    return (item["price"]["id"], item["quantity"]) if item else None


def amount_of(item: Json) -> int:
    return int(item["price"]["unit_amount"] * item["quantity"])


def part_of(item: Json, at: int) -> int:
    start, end = int(item["current_period_start"]), int(item["current_period_end"])
    return round(amount_of(item) * (end - at) / (end - start))


def line_for(item: Json, amount: int, words: str, *, is_proration: bool) -> Json:
    return {
        "object": "line_item",
        "amount": amount,
        "currency": item["price"]["currency"],
        "description": f"{words} {item['quantity']} × {item['price']['id']}",
        "period": {"start": item["current_period_start"], "end": item["current_period_end"]},
        "pricing": {"type": "price_details", "price_details": {"price": item["price"]["id"]}},
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {"proration": is_proration, "subscription_item": item["id"]},
        },
        "quantity": item["quantity"],
    }


def rendered(event: Json, generation: str) -> Json:
    data = event["data"]["object"]
    shape = in_old_shape(data) if generation == "old" else data
    return {**event, "api_version": VERSIONS[generation], "data": {"object": shape}}


def in_old_shape(data: Json) -> Json:
    """Return the object as API versions before 2025-03-31 render it."""
    data = copy.deepcopy(data)
    if data["object"] == "subscription":
        for name in ("current_period_start", "current_period_end"):
            data[name] = min(item.pop(name) for item in data["items"]["data"])
    if data["object"] == "invoice":
        data["subscription"] = data.pop("parent")["subscription_details"]["subscription"]
        for line in data["lines"]["data"]:
            line["proration"] = line.pop("parent")["subscription_item_details"]["proration"]
            line["price"] = {"id": line.pop("pricing")["price_details"]["price"]}
    return data
