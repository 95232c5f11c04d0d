"""The email and the page about the end of a trial say only what the newest known state says."""

import time
from itertools import permutations

import pytest
from django.db import transaction
from django.test import Client

from accounts.tests.support.browser import text_of
from billing.tests.support.api_client import BillingClient
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all

NOW = int(time.time())
DAY = 86400
END = NOW + 3 * DAY
TRIAL = f"trial:sub_1SPb7zKq4RtYw2Vd:{END}"

pytestmark = pytest.mark.parametrize("generation", GENERATIONS)


def trial(generation, event_type="", **values):
    event = payload("customer_subscription_trial_will_end", generation)
    return changed(event, event_type, **{"trial_end": END, "created": NOW, **values})


def without_card(action):
    settings = {"end_behavior": {"missing_payment_method": action}}
    return {"default_payment_method": None, "default_source": None, "trial_settings": settings}


def test_trial_with_a_card_is_charged(ada, queued_emails, generation):
    post_all([trial(generation), trial(generation)])
    assert list(queued_emails()) == [TRIAL]
    assert "We'll charge $29.00 when the trial ends" in queued_emails()[TRIAL].message.text


@pytest.mark.parametrize(("action", "result"), [("cancel", "subscription ends"), ("pause", "subscription is paused")])
def test_trial_without_card_asks_for_one(ada, queued_emails, generation, action, result):
    post(trial(generation, **without_card(action)))
    text = queued_emails()[TRIAL].message.text
    assert "add a card before then" in text
    assert result in text
    assert "don't need to do anything" not in text
    assert "29.00" not in text
    client = Client()
    client.force_login(ada)
    page = text_of(client.get("/billing"))
    assert "add a card before then" in page
    assert "charged" not in page
    assert BillingClient(ada).get("subscription/").json()["next_charge_at"] is None


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"default_source": "card_1"}, id="source"),
        pytest.param({"default_payment_method": {"id": "pm_1"}}, id="expanded"),
        pytest.param(without_card("create_invoice"), id="an invoice is created anyway"),
        pytest.param({"trial_settings": None}, id="no settings"),
    ],
)
def test_card_is_not_asked_for_needlessly(ada, queued_emails, generation, values):
    post(trial(generation, **{**without_card("cancel"), **values}))
    assert "card" not in queued_emails()[TRIAL].message.text


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"trial_end": NOW - 2, "status": "active"}, id="ended by an upgrade"),
        pytest.param({"trial_end": NOW - 2}, id="has passed"),
        pytest.param({"status": "active"}, id="not a trial"),
        pytest.param({"status": "canceled"}, id="canceled"),
        pytest.param({"trial_end": None}, id="no end"),
    ],
)
def test_trial_that_is_over_gets_no_email(ada, queued_emails, generation, values):
    post(trial(generation, **values))
    assert queued_emails() == {}


def test_late_announcement_follows_the_newest_state(ada, queued_emails, generation):
    update = "customer.subscription.updated"
    for values in ({"status": "active"}, {"trial_end": END + 30 * DAY}):
        with transaction.atomic():
            post_all([trial(generation, update, created=NOW + 5, **values), trial(generation)])
            assert queued_emails() == {}
            transaction.set_rollback(True)
    post_all([trial(generation, update, created=NOW + 5, cancel_at=END), trial(generation)])
    assert "You've canceled, so you won't be charged" in queued_emails()[TRIAL].message.text


def test_extended_trial_is_announced_again_in_any_order(ada, queued_emails, generation):
    later = END + 30 * DAY
    first, extended = trial(generation), trial(generation, trial_end=later, created=NOW + 10)
    updated = trial(generation, "customer.subscription.updated", trial_end=later, created=NOW + 5)
    for order in permutations([first, extended, updated]):
        with transaction.atomic():
            post_all([changed(event, created=event["created"]) for event in order])
            keys = set(queued_emails())
            assert f"trial:sub_1SPb7zKq4RtYw2Vd:{later}" in keys
            assert (TRIAL in keys) == (order[0] is first)
            transaction.set_rollback(True)
