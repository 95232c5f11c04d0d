"""People are reminded of a yearly charge once: by Stripe's event with its sum, or else by our own task."""

import time
from datetime import UTC, datetime
from itertools import permutations

import pytest
from django.db import transaction

from billing.models import Subscription
from billing.tasks import keep_deadlines
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all

NOW = int(time.time())
DAY = 86400
SUBSCRIPTION = "sub_1SPb7zKq4RtYw2Vd"
END = NOW + 5 * DAY
KEY = f"renewal:{SUBSCRIPTION}:{END}"


def subscription(generation="new", *, interval="year", count=1, end=END, amount=29000, **values):
    """Return the event of a subscription that is charged ``amount`` at the end of its period."""
    event = payload("customer_subscription_created", generation)
    [item] = event["data"]["object"]["items"]["data"]
    recurring = {**item["price"]["recurring"], "interval": interval, "interval_count": count}
    item = item | {"price": item["price"] | {"unit_amount": amount, "recurring": recurring}}
    where = {"items": {"data": [item]}, "current_period_end": end}
    if generation == "new":
        where = {"items": {"data": [item | {"current_period_end": end}]}}
    values = {"status": "active", "created": NOW - 60, **where, **values}
    return changed(event, "customer.subscription.updated", **values)


def upcoming(generation="new", **values):
    """Return the event that announces the renewal, for 25% less than the list price."""
    event = payload("invoice_payment_failed_renewal", generation)
    values = {"amount_due": 21750, "period_end": END, "billing_reason": "upcoming", "created": NOW - 30, **values}
    event = changed(event, "invoice.upcoming", status="draft", next_payment_attempt=END + 3600, **values)
    del event["data"]["object"]["id"]
    return event


@pytest.fixture(autouse=True)
def known_customer(ada):
    post(changed(payload("invoice_paid_first"), id="in_earlier", amount_paid=0, amount_due=0))


@pytest.fixture
def reminders(queued_emails):
    return lambda: {key: email.message.text for key, email in queued_emails().items() if key.startswith("renewal")}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_event_names_the_sum_that_stripe_is_going_to_charge(reminders, generation):
    post_all([subscription(generation), upcoming(generation), upcoming(generation)])
    keep_deadlines()
    assert list(reminders()) == [KEY]
    assert "We'll charge $217.50 then." in reminders()[KEY]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_without_the_event_our_task_sends_it(reminders, generation, queued_emails):
    post(subscription(generation))
    for _ in range(2):
        keep_deadlines()
    assert list(reminders()) == [KEY]
    assert "We'll charge $290.00 then." in reminders()[KEY]
    assert queued_emails()[KEY].expires_at == datetime.fromtimestamp(END, UTC)
    post(upcoming(generation))
    assert list(reminders()) == [KEY]


def test_sum_that_is_not_certain_is_left_out(reminders):
    post(subscription(discounts=["di_1"]))
    keep_deadlines()
    assert "renews on" in reminders()[KEY]
    assert "charge" not in reminders()[KEY]


def test_sum_from_before_a_change_is_not_named(reminders):
    post_all([subscription(created=NOW, amount=59000), upcoming()])
    assert "We'll charge $590.00 then." in reminders()[KEY]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"interval": "month"}, id="monthly"),
        pytest.param({"interval": "month", "count": 6}, id="half a year"),
        pytest.param({"status": "trialing", "trial_end": END}, id="trial"),
        pytest.param({"status": "past_due"}, id="past due"),
        pytest.param({"status": "canceled"}, id="ended"),
        pytest.param({"cancel_at": END}, id="canceled"),
        pytest.param({"cancel_at_period_end": True}, id="canceled at the end of the period"),
        pytest.param({"pause_collection": {"behavior": "void"}}, id="paused"),
        pytest.param({"amount": 0}, id="free"),
        pytest.param({"end": NOW - 60}, id="has passed"),
        pytest.param({"end": NOW + 40 * DAY}, id="another period"),
    ],
)
def test_nothing_to_charge_is_not_announced(reminders, values):
    event = subscription(**values)
    for order in permutations([event, upcoming()]):
        with transaction.atomic():
            post_all([changed(part, created=part["created"]) for part in order])
            keep_deadlines()
            assert reminders() == {}, [part["type"] for part in order]
            transaction.set_rollback(True)


@pytest.mark.parametrize(("interval", "count"), [("month", 12), ("year", 2), ("week", 52), ("day", 365)])
def test_every_period_of_a_year_or_longer_counts(reminders, interval, count):
    post(subscription(interval=interval, count=count))
    keep_deadlines()
    assert list(reminders()) == [KEY]


def test_credit_that_covers_the_charge_is_not_announced(reminders):
    post_all([subscription(), upcoming(amount_due=0)])
    keep_deadlines()
    assert reminders() == {}


def test_each_renewal_has_its_own_reminder(reminders):
    post(subscription())
    keep_deadlines()
    later = END + 3600
    post(subscription(end=later, created=NOW))
    keep_deadlines()
    assert sorted(reminders()) == [KEY, f"renewal:{SUBSCRIPTION}:{later}"]


@pytest.mark.parametrize(("days", "is_sent"), [(4, False), (6, True), (0, False)])
def test_setting_decides_how_early_it_is_sent(reminders, settings, days, is_sent):
    settings.BILLING_RENEWAL_REMINDER_DAYS = days
    post(subscription())
    keep_deadlines()
    assert bool(reminders()) is is_sent
    if days == 0:
        post(upcoming())
        assert reminders() == {}


@pytest.mark.parametrize(
    "values",
    [
        {"parent": None, "subscription": None},
        {"amount_due": "x", "currency": 5, "period_end": "soon"},
        {"amount_due": None, "period_end": 10**30},
        {"customer": None, "parent": {"subscription_details": {"subscription": "x" * 9999}}},
    ],
)
def test_garbage_is_accepted(reminders, values):
    post(subscription())
    assert post(upcoming(**values)).status_code == 200
    assert len(reminders()) <= 1


def test_person_without_an_address_does_not_stop_the_others(reminders, caplog):
    for number in range(3):
        post(subscription(id=f"sub_{number}", customer=f"cus_{number}", metadata={"installation": "app.example.com"}))
    post(subscription())
    keep_deadlines()
    assert list(reminders()) == [KEY]
    assert Subscription.objects.filter(announced_renewal=None).count() == 3


def test_reminder_that_fails_is_sent_by_the_next_run(reminders, monkeypatch, caplog):
    post(subscription())
    with monkeypatch.context() as patch:
        patch.setattr("billing.mail.billing_url", lambda: 1 / 0)
        keep_deadlines()
    assert f"The reminder about {SUBSCRIPTION} failed." in caplog.text
    assert Subscription.objects.get().announced_renewal is None
    keep_deadlines()
    assert list(reminders()) == [KEY]
