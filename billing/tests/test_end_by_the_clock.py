"""Access ends on its day even if Stripe's last event is lost: Stripe is asked, or without a key, the clock decides."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.tests.support.browser import text_of
from billing.access import user_has_plan, user_has_subscription
from billing.models import Subscription
from billing.models.access import EVENT_DELAY
from billing.tasks import handle_due_events
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post

NOW = int(time.time())
DAY = 86400
SUBSCRIPTION = "sub_1SPb7zKq4RtYw2Vd"
NO_CARD = {
    "default_payment_method": None,
    "default_source": None,
    "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
}

pytestmark = pytest.mark.parametrize("generation", GENERATIONS)


def subscription(generation, **values):
    return changed(
        payload("customer_subscription_created", generation), **{"status": "active", "created": NOW, **values}
    )


def ends(generation, at):
    """Return the fields of a subscription that ends with its period."""
    if generation == "old":
        return {"cancel_at_period_end": True, "current_period_end": at}
    data = payload("customer_subscription_created", generation)["data"]["object"]
    [item] = data["items"]["data"]
    return {"cancel_at_period_end": True, "items": {"data": [item | {"current_period_end": at}]}}


def has_access(ada):
    by_query = user_has_plan(ada, "pro")
    assert by_query == user_has_subscription(ada) == Subscription.objects.get().gives_access
    return by_query


def test_past_end_gives_no_access_without_a_key(ada, generation):
    post(subscription(generation, cancel_at=NOW - 3 * DAY))
    assert not has_access(ada)


def test_end_of_the_period_ends_access_without_a_key(ada, generation):
    post(subscription(generation, **ends(generation, NOW - 60)))
    assert not has_access(ada)


def test_future_end_keeps_access(ada, generation):
    post(subscription(generation, cancel_at=NOW + DAY))
    assert has_access(ada)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(NO_CARD, False, id="no card"),
        pytest.param({**NO_CARD, "default_payment_method": "pm_1"}, True, id="card"),
        pytest.param({}, True, id="documented payload"),
    ],
)
def test_trial_without_card_ends_access_without_a_key(ada, generation, values, expected):
    post(subscription(generation, status="trialing", trial_end=NOW - DAY, **values))
    assert has_access(ada) is expected


def test_page_does_not_promise_a_past_date(ada, generation):
    post(subscription(generation, cancel_at=NOW - 3 * DAY))
    client = Client()
    client.force_login(ada)
    text = text_of(client.get("/billing"))
    assert "was due to end on" in text
    assert "Cancels on" not in text
    assert "Active" not in text


def test_stripe_decides_with_a_key(ada, stripe_api, generation):
    event = subscription(generation, cancel_at=NOW - 3 * DAY)
    stripe_api.subscriptions[SUBSCRIPTION] = event["data"]["object"] | {"cancel_at": None}
    post(event)
    assert has_access(ada)
    handle_due_events()
    assert has_access(ada)
    assert Subscription.objects.get().cancel_at is None


@pytest.mark.parametrize("name", ["cancel_at", "trial_end", "period"])
def test_each_date_leads_to_a_question(ada, stripe_api, generation, name):
    at = NOW + 2 * DAY
    values = {"status": "trialing", "trial_end": at} if name == "trial_end" else {"cancel_at": at}
    event = subscription(generation, **(ends(generation, at) if name == "period" else values))
    stripe_api.subscriptions[SUBSCRIPTION] = event["data"]["object"]
    post(event)
    handle_due_events()
    assert Subscription.objects.get().refresh_at == datetime.fromtimestamp(at, UTC) + EVENT_DELAY


def test_lost_end_is_found(ada, stripe_api, generation):
    event = subscription(generation, cancel_at=NOW + 2 * DAY)
    stripe_api.subscriptions[SUBSCRIPTION] = event["data"]["object"]
    post(event)
    handle_due_events()
    stripe_api.subscriptions[SUBSCRIPTION] = event["data"]["object"] | {"status": "canceled", "ended_at": NOW}
    past = datetime.now(UTC) - timedelta(seconds=1)
    Subscription.objects.update(refresh_at=past, version="001.2.")
    handle_due_events()
    row = Subscription.objects.get()
    assert (row.status, row.refresh_at, has_access(ada)) == ("canceled", None, False)


def test_overdue_end_is_asked_about_daily(ada, stripe_api, generation):
    event = subscription(generation, cancel_at=NOW - 3 * DAY)
    stripe_api.subscriptions[SUBSCRIPTION] = event["data"]["object"]
    post(event)
    handle_due_events()
    refresh_at = Subscription.objects.get().refresh_at
    assert refresh_at
    assert timedelta(hours=20) < refresh_at - datetime.now(UTC) <= timedelta(days=1)
