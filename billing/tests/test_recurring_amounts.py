"""The plan of a subscription, and the sum that emails, pages, and the API name for it: one that the event proves."""

import copy
import time

import pytest
from django.test import Client

from accounts.tests.support.browser import text_of
from billing.access import user_has_plan
from billing.models import Payment, Subscription
from billing.tests.support.api_client import BillingClient
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all

DAY = 86400
PRO = "price_1SNa2bKq4RtYw2VdPro9Month"
TEAM = "price_team"
INVOICE = "receipt:in_1SPb7xKq4RtYw2VdA1b2C3d4"

pytestmark = pytest.mark.parametrize("generation", GENERATIONS)


@pytest.fixture(autouse=True)
def two_plans(settings) -> None:
    team = {"slug": "team", "name": "Team", "price_id": TEAM, "amount": 9900, "currency": "usd", "interval": "month"}
    settings.BILLING_PLANS = [*settings.BILLING_PLANS, team]


def subscription(generation, *items, **values):
    event = payload("customer_subscription_created", generation)
    values = {"status": "active", "created": int(time.time()), **values}
    if items:
        values["items"] = {"object": "list", "data": items}
    return changed(event, **values)


def item(generation, price=PRO, unit_amount=2900, quantity=1, recurring=None, **values):
    """Return the item of the documented payload with other values; ``recurring`` replaces fields of its period."""
    copied = copy.deepcopy(payload("customer_subscription_created", generation)["data"]["object"]["items"]["data"][0])
    on_price = {name: values.pop(name) for name in [*values] if name not in ("discounts", "tax_rates")}
    copied["price"] |= {"id": price, "unit_amount": unit_amount, **on_price}
    copied["price"]["recurring"] |= recurring or {}
    copied["plan"] |= {"id": price, "amount": unit_amount}
    ends = {"current_period_end": int(time.time()) + 20 * DAY} if generation == "new" else {}
    return copied | {"quantity": quantity} | ends | values


def in_api(ada):
    return BillingClient(ada).get("subscription/").json()


def page_of(ada):
    client = Client()
    client.force_login(ada)
    return text_of(client.get("/billing"))


def test_plan_is_found_behind_an_add_on(ada, generation):
    seats = item(generation, "price_extra_seat", 500, 3)
    post(subscription(generation, seats, item(generation)))
    data = in_api(ada)
    assert user_has_plan(ada, "pro")
    assert (data["plan"]["name"], data["display_amount"], data["quantity"]) == ("Pro", "$44.00", 1)
    assert "Pro Active $44.00 per month" in page_of(ada)


def test_plan_does_not_depend_on_the_order(ada, generation):
    items = [item(generation, name, 500) for name in ("price_a", PRO, "price_b")]
    for order in (items, items[::-1], [items[1], items[0], items[2]]):
        Subscription.objects.all().delete()
        post(subscription(generation, *order))
        assert (Subscription.objects.get().price_id, Subscription.objects.get().amount) == (PRO, 1500)


def test_upgrade_invoice_names_the_new_plan(ada, queued_emails, generation):
    invoice = payload("invoice_paid_first", generation)
    [bought] = invoice["data"]["object"]["lines"]["data"]
    credit = line(bought, PRO, -1450, generation)
    charge = line(bought, TEAM, 4950, generation)
    post(changed(invoice, lines={"data": [credit, charge]}, amount_paid=3500, total=3500))
    assert Payment.objects.get().description == "Team"
    assert "Plan: Team" in queued_emails()[INVOICE].message.text


def test_add_on_does_not_name_the_invoice(ada, queued_emails, generation):
    invoice = payload("invoice_paid_first", generation)
    [bought] = invoice["data"]["object"]["lines"]["data"]
    seats = {**line(bought, "price_extra_seat", 500, generation), "description": "Seats"}
    post(changed(invoice, lines={"data": [seats, bought]}))
    assert Payment.objects.get().description == "Pro"


def test_credit_alone_names_no_plan(ada, queued_emails, generation):
    invoice = payload("invoice_paid_first", generation)
    [bought] = invoice["data"]["object"]["lines"]["data"]
    other = {**line(bought, "price_x", 5000, generation), "description": "Consulting"}
    post(changed(invoice, lines={"data": [line(bought, PRO, -100, generation), other]}))
    assert Payment.objects.get().description == "Consulting"


def line(bought, price, amount, generation):
    """Return a line that credits or charges a part of a period."""
    copied = copy.deepcopy(bought) | {"amount": amount}
    if generation == "new":
        copied["pricing"]["price_details"]["price"] = price
        copied["parent"]["subscription_item_details"]["proration"] = True
    else:
        copied |= {"proration": True, "price": {**(bought["price"] or {}), "id": price}}
    return copied


UNCERTAIN = {
    "discounts": {"discounts": ["di_friend"]},
    "old discount": {"discount": {"coupon": {"percent_off": 100.0, "duration": "forever"}}},
    "other currency": {"currency": "jpy"},
    "automatic tax": {"automatic_tax": {"enabled": True}},
    "tax rate": {"default_tax_rates": [{"percentage": 19.0, "inclusive": False}]},
    "unknown tax rate": {"default_tax_rates": ["txr_1"]},
    "schedule": {"schedule": "sub_sched_1"},
    "nonsense": {"default_tax_rates": 7, "discounts": True, "automatic_tax": 7},
}
UNCERTAIN_ITEMS = {
    "tiers": {"billing_scheme": "tiered", "unit_amount": None},
    "usage": {"recurring": {"usage_type": "metered"}, "quantity": None},
    "packages": {"transform_quantity": {"divide_by": 10, "round": "up"}},
    "fraction of a cent": {"unit_amount": None, "unit_amount_decimal": "0.5"},
    "quantity missing": {"quantity": None},
    "item discount": {"discounts": ["di_1"]},
    "item tax": {"tax_rates": [{"inclusive": False}]},
    "price in another currency": {"currency": "eur"},
    "no count of intervals": {"recurring": {"interval_count": None}},
    "huge": {"unit_amount": 10**15, "quantity": 10**6},
}


@pytest.mark.parametrize("values", UNCERTAIN.values(), ids=UNCERTAIN)
def test_uncertain_sum_is_left_out(ada, queued_emails, generation, values):
    assert post(subscription(generation, **values)).status_code == 200
    data = in_api(ada)
    assert (data["amount"], data["display_amount"], data["plan"]["name"]) == (None, "", "Pro")
    assert "29" not in page_of(ada).split("Payments")[0].replace("Nov. 29", "").replace("29,", "")
    trial = payload("customer_subscription_trial_will_end", generation)
    later = int(time.time()) + 3 * DAY
    post(changed(trial, **values, id="sub_2", trial_end=later, created=int(time.time())))
    [email] = queued_emails().values()
    assert "29.00" not in email.message.text
    assert "2,900" not in email.message.text


@pytest.mark.parametrize("values", UNCERTAIN_ITEMS.values(), ids=UNCERTAIN_ITEMS)
def test_uncertain_item_leaves_the_sum_out(ada, generation, values):
    certain = item(generation, "price_extra_seat", 500)
    assert post(subscription(generation, item(generation, **values), certain)).status_code == 200
    assert (in_api(ada)["amount"], in_api(ada)["display_amount"]) == (None, "")


@pytest.mark.parametrize(
    ("interval", "count", "text"),
    [
        ("month", 1, "per month"),
        ("month", 3, "every 3 months"),
        ("week", 2, "every 2 weeks"),
        ("day", 10, "every 10 days"),
        ("year", 2, "every 2 years"),
    ],
)
def test_sum_is_named_with_its_period(ada, generation, interval, count, text):
    post(
        subscription(
            generation, item(generation, unit_amount=7500, recurring={"interval": interval, "interval_count": count})
        )
    )
    data = in_api(ada)
    assert (data["display_amount"], data["interval"], data["interval_count"]) == ("$75.00", interval, count)
    assert f"$75.00 {text}" in page_of(ada)


def test_items_with_different_periods_have_no_sum(ada, generation):
    yearly = item(generation, "price_add_on", recurring={"interval": "year"})
    post(subscription(generation, item(generation), yearly))
    assert in_api(ada)["amount"] is None


@pytest.mark.parametrize(("quantity", "unit_amount", "total"), [(0, 2900, 0), (3, 0, 0), (3, 2900, 8700)])
def test_zero_from_stripe_is_kept(ada, generation, quantity, unit_amount, total):
    post(subscription(generation, item(generation, unit_amount=unit_amount, quantity=quantity)))
    assert (in_api(ada)["amount"], in_api(ada)["quantity"]) == (total, quantity)


def test_inclusive_tax_keeps_the_sum(ada, generation):
    post(subscription(generation, default_tax_rates=[{"percentage": 19.0, "inclusive": True}]))
    assert in_api(ada)["display_amount"] == "$29.00"


def test_paused_collection_is_shown(ada, generation):
    for behavior in ("void", "keep_as_draft", "mark_uncollectible"):
        pause = {"behavior": behavior, "resumes_at": int(time.time()) + 90 * DAY}
        post(subscription(generation, item(generation), pause_collection=pause, created=int(time.time()) + 5))
        data, page = in_api(ada), page_of(ada)
        assert (data["gives_access"], data["is_collection_paused"], data["next_charge_at"]) == (True, True, None)
        assert "Collection paused until" in page
        assert "next charge" not in page
        Subscription.objects.all().delete()


def test_past_resume_date_is_not_shown(ada, generation):
    post(subscription(generation, pause_collection={"behavior": "void", "resumes_at": int(time.time()) - DAY}))
    assert "Collection paused " in page_of(ada)
    assert "paused until" not in page_of(ada)


@pytest.mark.parametrize("order", [1, -1])
def test_scheduled_change_leaves_the_sum_out(ada, generation, order):
    now = int(time.time())
    state = subscription(generation, item(generation, TEAM, 9900), created=now)
    scheduled = schedule(generation, "active", now + 1)
    post_all([state, scheduled][::order])
    if order == -1:  # the schedule's event waits until the customer is known
        post(changed(scheduled, created=now + 1))
    assert (in_api(ada)["amount"], in_api(ada)["plan"]["name"]) == (None, "Team")
    post(changed(schedule(generation, "released", now + 2), "subscription_schedule.released", created=now + 2))
    assert in_api(ada)["amount"] == 9900


def schedule(generation, status, created):
    state = payload("customer_subscription_created", generation)
    data = state["data"]["object"]
    is_active = status == "active"
    event = changed(state, "subscription_schedule.updated", created=created)
    event["data"]["object"] = {
        "id": "sub_sched_1",
        "object": "subscription_schedule",
        "customer": data["customer"],
        "metadata": {},
        "status": status,
        "subscription": data["id"] if is_active else None,
        "released_subscription": None if is_active else data["id"],
        "phases": [{"items": [{"price": PRO}]}],
    }
    return event
