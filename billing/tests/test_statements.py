"""Every amount, date, and plan in an email, on a page, or in the API is found again in the event that proves it.

Hypothesis makes subscriptions and invoices of all shapes. What may be said about them is worked out here a second time,
from the event alone. CI tries some of them, and RUN_SLOW=all many.
"""

import copy
import random
import re
import time
from datetime import datetime

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.models import Payment, Subscription
from billing.tests.support.api_client import BillingClient
from billing.tests.support.statements import DATE, MONEY, dates_in, day_of, pages_of
from billing.tests.support.stripe_events import GENERATIONS, Event, changed, payload, post, post_all
from billing.tests.test_refunds import sweep_now
from common.money import format_amount

NOW = int(time.time())
DAY = 86400
PRO, TEAM = "price_1SNa2bKq4RtYw2VdPro9Month", "price_team"
PLANS = {PRO: "Pro", TEAM: "Team"}
INVOICE = "in_1SPb7xKq4RtYw2VdA1b2C3d4"

few = settings(
    max_examples=15, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
many = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def two_plans(settings) -> None:
    team = {"slug": "team", "name": "Team", "price_id": TEAM, "amount": 9900, "currency": "usd", "interval": "month"}
    settings.BILLING_PLANS = [*settings.BILLING_PLANS, team]


# Subscriptions

items = st.fixed_dictionaries(
    {
        "price": st.sampled_from([PRO, TEAM, "price_add_on"]),
        "unit_amount": st.sampled_from([None, 0, 1, 500, 2900, 7500, 10**15]),
        "quantity": st.sampled_from([None, 0, 1, 1, 1, 3]),
        "currency": st.sampled_from(["usd", "usd", "usd", "eur", "jpy", None]),
        "interval": st.sampled_from(["month", "month", "year"]),
        "interval_count": st.sampled_from([1, 1, 1, 3, None]),
        "billing_scheme": st.sampled_from(["per_unit", "per_unit", "per_unit", "tiered"]),
        "usage_type": st.sampled_from(["licensed", "licensed", "licensed", "metered"]),
        "discounts": st.sampled_from([[], [], [], ["di_1"]]),
        "tax_rates": st.sampled_from([[], [], [{"inclusive": True}], [{"inclusive": False}], ["txr_1"]]),
    }
)
near = st.sampled_from([None, None, NOW - 3 * DAY, NOW + 3 * DAY, NOW + 30 * DAY])
subscriptions = st.fixed_dictionaries(
    {
        "items": st.lists(items, min_size=1, max_size=3),
        "status": st.sampled_from(["active", "active", "trialing", "past_due", "unpaid", "incomplete", "canceled"]),
        "currency": st.sampled_from(["usd", "usd", "usd", "eur"]),
        "cancel_at": near,
        "trial_end": near,
        "discounts": st.sampled_from([[], [], [], ["di_1"]]),
        "automatic_tax": st.sampled_from([None, {"enabled": False}, {"enabled": True}]),
        "schedule": st.sampled_from([None, None, None, "sub_sched_1"]),
        "pause_collection": st.sampled_from([None, None, {"behavior": "void", "resumes_at": NOW + 90 * DAY}]),
        "default_payment_method": st.sampled_from([None, "pm_1"]),
        "trial_settings": st.sampled_from(
            [{"end_behavior": {"missing_payment_method": what}} for what in ("cancel", "pause", "create_invoice")]
        ),
    }
)


def subscription_event(generation, values):
    event = payload("customer_subscription_trial_will_end", generation)
    [documented] = event["data"]["object"]["items"]["data"]
    rows = [item_of(documented, item) for item in values["items"]]
    return changed(event, **{**values, "items": {"object": "list", "data": rows}}, created=NOW)


def item_of(documented, values):
    item = copy.deepcopy(documented)
    period = {name: values[name] for name in ("interval", "interval_count", "usage_type")}
    item["price"] |= {"id": values["price"], "recurring": period}
    item["price"] |= {name: values[name] for name in ("unit_amount", "currency", "billing_scheme")}
    return item | {name: values[name] for name in ("quantity", "discounts", "tax_rates")}


def provable_sum(values):
    """Return the sum that the event proves, or None."""
    rows = values["items"]
    plain = all(
        row["unit_amount"] is not None
        and row["quantity"] is not None
        and row["currency"] == values["currency"]
        and (row["billing_scheme"], row["usage_type"]) == ("per_unit", "licensed")
        and row["interval_count"]
        and not row["discounts"]
        and all(isinstance(rate, dict) and rate["inclusive"] for rate in row["tax_rates"])
        for row in rows
    )
    one_period = len({(row["interval"], row["interval_count"]) for row in rows}) == 1
    is_final = not values["discounts"] and values["automatic_tax"] != {"enabled": True} and not values["schedule"]
    total = sum(row["unit_amount"] * row["quantity"] for row in rows) if plain else 0
    return total if plain and one_period and is_final and total <= 10**15 else None


def check_subscription(ada, queued_emails, generation, values):
    event = subscription_event(generation, values)
    assert post(event).status_code == 200
    proven = provable_sum(values)
    amounts = {format_amount(proven, values["currency"])} if proven is not None else set()
    days = dates_in(event)
    data = BillingClient(ada).get("subscription/").json()
    assert data["amount"] == proven
    assert data["display_amount"] in (amounts or {""})
    prices = {row["price"] for row in values["items"]}
    names = {PLANS[price] for price in prices if price in PLANS}
    assert (data["plan"]["name"] in names) if names else data["plan"] is None
    for name in ("next_charge_at", "trial_end", "cancel_at", "current_period_end", "collection_resumes_at"):
        assert data[name] is None or day_of(data[name]) in days
    if data["next_charge_at"]:
        assert values["status"] in ("active", "trialing")
        assert not values["cancel_at"]
        assert not values["pause_collection"]
        assert datetime.fromisoformat(data["next_charge_at"]) > timezone.now()
    assert data["gives_access"] == Subscription.objects.with_access().exists()
    offers = {"$29.00", "$99.00"} if values["status"] in ("canceled", "incomplete") else set()
    for page in pages_of(ada).values():
        assert set(MONEY.findall(page)) <= amounts | offers
        assert set(DATE.findall(page)) <= days
        assert {name for name in PLANS.values() if re.search(rf"\b{name}\b", page)} <= names | plans_on(offers)
    emails = queued_emails().values()
    is_trial = values["status"] == "trialing" and (values["trial_end"] or 0) > time.time()
    assert [email.kind for email in emails] == (["trial_ending"] if is_trial else [])
    for email in emails:
        text = email.subject + email.message.text
        assert set(MONEY.findall(text)) <= amounts
        assert set(DATE.findall(text)) <= days
        assert {name for name in PLANS.values() if f"trial of {name}" in text} <= names
        if values["cancel_at"] or values["pause_collection"]:
            assert "charge " not in text


def plans_on(offers):
    """Return the names of the plans on the page if it offers them."""
    return set(PLANS.values()) if offers else set()


@few
@given(values=subscriptions, generation=st.sampled_from(GENERATIONS))
def test_what_is_said_about_a_subscription_is_proven(ada, queued_emails, values, generation):
    with transaction.atomic():
        check_subscription(ada, queued_emails, generation, values)
        transaction.set_rollback(True)


@pytest.mark.exhaustive
@many
@given(values=subscriptions, generation=st.sampled_from(GENERATIONS))
def test_what_is_said_about_any_subscription_is_proven(ada, queued_emails, values, generation):
    with transaction.atomic():
        check_subscription(ada, queued_emails, generation, values)
        transaction.set_rollback(True)


# Invoices

cents = st.integers(0, 5000)
invoices = st.fixed_dictionaries(
    {
        "lines": st.lists(st.integers(-3000, 9900), max_size=3),
        "taxes": st.lists(st.tuples(cents, st.sampled_from(["inclusive", "exclusive"])), max_size=3),
        "discounts": st.lists(cents, max_size=2),
        "starting_balance": st.integers(-2000, 2000),
        "ending_balance": st.sampled_from([0, 0, -100]),
        "pre_payment_credit_notes_amount": st.sampled_from([0, 0, 300]),
        "grants": st.lists(cents, max_size=1),
        "currency": st.sampled_from(["usd", "eur", "jpy", "kwd", "isk", "huf"]),
        "error": st.sampled_from([0, 0, 0, 1, -100]),
    }
)


def invoice_event(generation, values):
    event = payload("invoice_paid_first", generation)
    [line] = event["data"]["object"]["lines"]["data"]
    new = [{"amount": amount, "tax_behavior": behavior} for amount, behavior in values["taxes"]]
    old = [{"amount": amount, "inclusive": behavior == "inclusive"} for amount, behavior in values["taxes"]]
    taxes: Event = {"total_taxes": new} if generation == "new" else {"total_tax_amounts": old}
    made = ("lines", "taxes", "discounts", "grants", "error")
    fields = {name: value for name, value in values.items() if name not in made} | taxes
    return changed(
        event,
        lines={"data": [line | {"amount": amount} for amount in values["lines"]]},
        total_discount_amounts=[{"amount": amount} for amount in values["discounts"]],
        total_pretax_credit_amounts=[
            {"amount": amount, "type": "credit_balance_transaction"} for amount in values["grants"]
        ],
        amount_paid=correct_sum(values) + values["error"],
        created=NOW,
        **fields,
    )


def correct_sum(values):
    on_top = sum(amount for amount, behavior in values["taxes"] if behavior == "exclusive")
    lowered = sum(values["discounts"]) + sum(values["grants"]) + values["pre_payment_credit_notes_amount"]
    balance = values["starting_balance"] - values["ending_balance"]
    return sum(values["lines"]) + on_top - lowered + balance


def check_invoice(ada, queued_emails, generation, values):
    event = invoice_event(generation, values)
    assert post(event).status_code == 200
    paid = event["data"]["object"]["amount_paid"]
    emails = list(queued_emails().values())
    assert [email.idempotency_key for email in emails] == ([f"receipt:{INVOICE}"] if paid > 0 else [])
    for email in emails:
        text = email.message.text.replace("(at $29.00 / month)", "")
        above, _, below = text.partition("Paid: ")
        rows = re.findall(r": (\S.*\d.*)$", above, re.MULTILINE)
        shown = list(values["lines"]) if rows else []
        assert below.startswith(format_amount(paid, values["currency"]))
        if rows:
            assert values["error"] == 0
            on_top = sum(amount for amount, behavior in values["taxes"] if behavior == "exclusive")
            lowered = (sum(values["discounts"]), sum(values["grants"]), values["pre_payment_credit_notes_amount"])
            balance = values["starting_balance"] - values["ending_balance"]
            shown += [amount for amount in (*(-amount for amount in lowered), on_top, balance) if amount]
            assert sum(shown) == paid
        assert sorted(rows) == sorted(format_amount(amount, values["currency"]) for amount in shown)
        assert set(DATE.findall(text)) <= dates_in(event)
    [payment] = BillingClient(ada).get("payments/").json()["results"] or [None]
    assert (payment is None) == (paid <= 0)
    if payment:
        assert (payment["amount"], payment["display_amount"]) == (paid, format_amount(paid, values["currency"]))


@few
@given(values=invoices, generation=st.sampled_from(GENERATIONS))
def test_what_a_receipt_says_is_proven(ada, queued_emails, values, generation):
    with transaction.atomic():
        check_invoice(ada, queued_emails, generation, values)
        transaction.set_rollback(True)


@pytest.mark.exhaustive
@many
@given(values=invoices, generation=st.sampled_from(GENERATIONS))
def test_what_any_receipt_says_is_proven(ada, queued_emails, values, generation):
    with transaction.atomic():
        check_invoice(ada, queued_emails, generation, values)
        transaction.set_rollback(True)


# A year of one customer, in any order


def life(generation):
    """Return the events of a purchase, a failed renewal that is paid after two attempts, a refund that fails, and a
    dispute that is won."""
    renewal = payload("invoice_payment_failed_renewal", generation)
    subscription = payload("customer_subscription_created", generation)
    refund = {"id": "re_1", "object": "refund", "amount": 2900, "currency": "usd", "payment_intent": "pi_1"}
    due: Event = {"payment_intent": "pi_1", "charge": "ch_1", "created": NOW - 60}
    return [
        changed(payload("checkout_session_completed_subscription", generation), created=NOW - 90 * DAY),
        changed(subscription, created=NOW - 90 * DAY),
        changed(payload("invoice_paid_first", generation), created=NOW - 90 * DAY),
        changed(renewal, **due, next_payment_attempt=NOW + DAY),
        changed(subscription, "customer.subscription.updated", status="past_due", created=NOW - 60),
        changed(renewal, **due | {"created": NOW - 40}, attempt_count=2, next_payment_attempt=NOW + 3 * DAY),
        changed(renewal, "invoice.paid", **due | {"created": NOW - 20}, status="paid", amount_paid=2900),
        changed(subscription, "customer.subscription.updated", status="active", created=NOW - 20),
        refund_event(subscription, "refund.created", refund | {"status": "succeeded"}, NOW - 10),
        refund_event(subscription, "refund.failed", refund | {"status": "failed"}, NOW - 5),
        refund_event(
            subscription,
            "charge.dispute.closed",
            {"id": "du_1", "object": "dispute", "status": "won", "payment_intent": "pi_1", "amount": 2900},
            NOW,
        ),
    ]


def refund_event(template, event_type, fields, created):
    event = changed(template, event_type, created=created)
    event["data"]["object"] = fields
    return event


@pytest.mark.parametrize("orders", [4, pytest.param(100, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_year_of_a_customer_ends_the_same_in_any_order(ada, queued_emails, generation, orders):
    renewal = payload("invoice_payment_failed_renewal", generation)["data"]["object"]["id"]
    for seed in range(orders):
        order = life(generation)
        random.Random(seed).shuffle(order)
        with transaction.atomic():
            post_all(order)
            sweep_now()
            types = [event["type"] for event in order]
            kinds = [email.kind for email in queued_emails().values()]
            assert Subscription.objects.get().status == "active", types
            payments = {row.stripe_id: (row.status, row.amount_refunded) for row in Payment.objects.all()}
            assert payments == {INVOICE: ("paid", 0), renewal: ("paid", 0)}, types
            assert Payment.objects.get(stripe_id=renewal).next_attempt_at is None
            assert {f"receipt:{INVOICE}", f"receipt:{renewal}"} <= set(queued_emails())
            assert kinds.count("refund") == kinds.count("refund_failed") <= 1, types
            about_renewal = [event["type"] for event in order if event["data"]["object"]["id"] == renewal]
            if about_renewal[0] == "invoice.paid":
                assert "payment_failed" not in kinds, types
            transaction.set_rollback(True)
