"""A person whose subscription is charged to a card is reminded once before that card expires."""

import time
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.db import transaction
from django.utils import timezone

from billing.models import Card, Customer, Subscription
from billing.payloads.cards import end_of_month
from billing.privacy import export_cards
from billing.tasks import keep_deadlines
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all
from billing.tests.test_refunds import sweep_now

NOW = int(time.time())
TODAY = datetime.now(UTC)
CUSTOMER, CARD = "cus_TLm3kQ8sVb2XyZ", "pm_1SPb7wKq4RtYw2VdCard4242"
THIS_MONTH = {"exp_year": TODAY.year, "exp_month": TODAY.month}
KEY = f"card_expiring:{CARD}:{TODAY:%m/%Y}"
NEXT_YEAR = {"exp_year": TODAY.year + 1, "exp_month": 1}


def method(event_type="payment_method.attached", *, created=NOW - 60, expiry=THIS_MONTH, **values):
    """Return the event of a payment method. Nobody but Stripe creates them, so they have no mark of ours."""
    data = {
        "id": CARD,
        "object": "payment_method",
        "type": "card",
        "card": {"brand": "visa", "last4": "4242", **expiry},
        "customer": CUSTOMER,
        "metadata": {},
        **values,
    }
    template = payload("customer_subscription_created")
    return changed({**template, "data": {"object": data}}, event_type, created=created)


def source(event_type, **values):
    old = {"id": "card_1", "object": "card", "type": None, "card": None, "brand": "MasterCard", "last4": "2429"}
    return method(event_type, **{**old, **THIS_MONTH, **values})


def subscription(generation="new", **values):
    event = payload("customer_subscription_created", generation)
    values = {"status": "active", "created": NOW - 60, **values}
    return changed(event, "customer.subscription.updated", **values)


def customer(default, **values):
    data = {"id": CUSTOMER, "object": "customer", "metadata": {}, "email": "ada@example.com", **values}
    data |= {"invoice_settings": {"default_payment_method": default}}
    template = payload("customer_subscription_created")
    return changed({**template, "data": {"object": data}}, "customer.updated", created=NOW - 30)


@pytest.fixture(autouse=True)
def known_customer(ada, settings):
    settings.BILLING_CARD_REMINDER_DAYS = 40
    post(subscription(id="sub_other", status="canceled"))


@pytest.fixture
def reminders(queued_emails):
    return lambda: {key: email.message.text for key, email in queued_emails().items() if key.startswith("card")}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_reminder_names_the_card_and_is_sent_once(reminders, generation, queued_emails):
    for order in permutations([method(), subscription(generation)]):
        with transaction.atomic():
            post_all([changed(event, created=event["created"]) for event in order])
            for _ in range(2):
                keep_deadlines()
            assert list(reminders()) == [KEY]
            assert f"Your Visa card ending in 4242 expires at the end of {TODAY:%m/%Y}" in reminders()[KEY]
            assert "your subscription to Pro" in reminders()[KEY]
            assert queued_emails()[KEY].recipients == "ada@own.example"
            transaction.set_rollback(True)


def test_event_before_its_customer_is_known_counts_later(ada, reminders):
    Subscription.objects.all().delete()
    Customer.objects.all().delete()
    post_all([method(), subscription()])
    sweep_now()
    keep_deadlines()
    assert list(reminders()) == [KEY]


def test_default_card_of_the_customer_counts(reminders):
    post_all([method(), subscription(default_payment_method=None), customer(CARD)])
    keep_deadlines()
    assert list(reminders()) == [KEY]


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([subscription(default_payment_method="pm_other"), customer(CARD)], id="another card is charged"),
        pytest.param([subscription(default_payment_method=None), customer(None)], id="nothing is known to be charged"),
        pytest.param([subscription(default_payment_method=None), customer("pm_other")], id="another default"),
        pytest.param([], id="no subscription"),
        pytest.param([subscription(status="canceled")], id="ended"),
        pytest.param([subscription(status="unpaid")], id="suspended"),
        pytest.param([subscription(cancel_at=NOW + 86400)], id="canceled"),
        pytest.param([subscription(pause_collection={"behavior": "void"})], id="paused"),
        pytest.param([subscription(), method("payment_method.detached", created=NOW, customer=None)], id="removed"),
        pytest.param(
            [subscription(), method("payment_method.automatically_updated", created=NOW, expiry=NEXT_YEAR)],
            id="renewed by the bank",
        ),
    ],
)
def test_card_that_is_not_charged_is_not_announced(reminders, events):
    for order in permutations([method(), *events]):
        with transaction.atomic():
            post_all([changed(event, created=event["created"]) for event in order])
            keep_deadlines()
            assert reminders() == {}, [event["type"] for event in order]
            transaction.set_rollback(True)


def test_renewed_card_is_announced_again(reminders):
    post_all([method(), subscription()])
    keep_deadlines()
    later = TODAY + timedelta(days=31)
    expiry = {"exp_year": later.year, "exp_month": later.month}
    post(method("payment_method.automatically_updated", created=NOW, expiry=expiry))
    Card.objects.update(expires_at=timezone.now() + timedelta(days=39))
    keep_deadlines()
    assert len(reminders()) == 2


def test_past_due_subscription_counts(reminders):
    post_all([method(), subscription(status="past_due")])
    keep_deadlines()
    assert list(reminders()) == [KEY]


@pytest.mark.parametrize(("days", "count"), [(0, 0), (1, 0), (60, 1)])
def test_setting_decides_how_early_it_is_sent(reminders, settings, days, count):
    settings.BILLING_CARD_REMINDER_DAYS = days
    post_all([method(), subscription()])
    Card.objects.update(expires_at=timezone.now() + timedelta(days=30))
    keep_deadlines()
    assert len(reminders()) == count


def test_expired_card_is_not_announced(reminders):
    post_all([method(expiry={"exp_year": TODAY.year - 1, "exp_month": 12}), subscription()])
    keep_deadlines()
    assert reminders() == {}


@pytest.mark.parametrize("event_type", ["created", "updated", "expiring"])
def test_older_kind_of_card(reminders, event_type):
    post_all([subscription(default_payment_method=None, default_source="card_1")])
    post(source(f"customer.source.{event_type}"))
    assert len(reminders()) == (event_type == "expiring")
    keep_deadlines()
    [text] = reminders().values()
    assert "Your Mastercard card ending in 2429" in text
    post(source("customer.source.deleted", created=NOW))
    assert Card.objects.get().is_detached


@pytest.mark.parametrize(
    "values",
    [
        {"type": "sepa_debit", "card": None},
        {"card": {"brand": 5, "last4": "42<42", "exp_month": 13, "exp_year": 2026}},
        {"card": {"brand": "new brand", "last4": None, "exp_month": "1", "exp_year": 10**9}},
        {"card": [], "customer": None},
        {"id": None},
    ],
)
def test_anything_else_is_accepted(reminders, values):
    post(subscription())
    assert post(method(**values)).status_code == 200
    keep_deadlines()
    assert reminders() == {}


def test_card_without_brand_and_digits_is_still_announced(reminders):
    post_all([method(card={"brand": "?", "last4": "", **THIS_MONTH}), subscription()])
    keep_deadlines()
    assert f"Your card expires at the end of {TODAY:%m/%Y}." in reminders()[KEY]


def test_months_end_at_their_last_moment():
    assert end_of_month(2026, 12) == datetime(2027, 1, 1, tzinfo=UTC)
    assert end_of_month(2028, 2) == datetime(2028, 3, 1, tzinfo=UTC)


def test_card_belongs_to_the_export_and_is_erased_with_the_account(ada):
    post_all([method(), subscription()])
    assert [card["last4"] for card in export_cards(ada)] == ["4242"]
    Subscription.objects.update(status="canceled")
    ada.delete()
    post(method("payment_method.updated", created=NOW))
    assert not Card.objects.exists()
