"""Changes that aren't possible: each has a code and a sentence, and changes nothing at Stripe."""

import pytest
from django.core import signing

from billing.models import Customer, SubscriptionChange
from billing.services.changes.quotes import SALT
from billing.tests.support.changes import bought, change, confirm, mine, preview, subscribe

FUTURE = 2_000_000_000


@pytest.fixture
def pro(stripe, ada):
    return subscribe(stripe, ada, ("price_pro", 1))


def seats(user):
    return 5


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"status": "past_due"}, "payment_due"),
        ({"status": "unpaid"}, "payment_due"),
        ({"status": "paused"}, "subscription_paused"),
        ({"status": "incomplete"}, "subscription_incomplete"),
        ({"status": "incomplete_expired"}, "subscription_ended"),
        ({"status": "canceled", "ended_at": 1}, "subscription_ended"),
        ({"status": "of_the_future"}, "not_changeable"),
        ({"pause_collection": {"behavior": "void"}}, "subscription_paused"),
        ({"cancel_at": FUTURE}, "cancellation_scheduled"),
        ({"cancel_at_period_end": True}, "cancellation_scheduled"),
    ],
)
def test_state_refuses_a_change(stripe, ada, ada_api, values, code):
    """Both if we know the state, and if only Stripe does."""
    subscription = subscribe(stripe, ada, ("price_pro", 1), **values)
    refused = preview(ada_api, quantity=2)
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert refused.json()["detail"].endswith(".")
    assert mine(ada_api)["can_change"] is False
    kept = {name: subscription[name] for name in values}
    subscription |= {"status": "active", "pause_collection": None, "cancel_at": None, "cancel_at_period_end": False}
    stripe.emit("customer.subscription.updated", subscription, seconds=-3600)
    stripe.deliver()
    subscription |= kept
    assert preview(ada_api, quantity=2).json()["code"] == code
    assert bought(subscription) == [("price_pro", 1)]


def test_nobody_without_a_subscription_can_change(stripe, ada_api):
    for path in ("preview", "cancel", "resume"):
        response = ada_api.post(f"subscription/{path}/", {"plan": "pro"} if path == "preview" else {})
        assert (response.status_code, response.json()["code"]) == (409, "no_subscription")
    assert stripe.requests == []


@pytest.mark.parametrize("second", ["price_team", "price_pro"])
def test_several_subscriptions_are_managed_at_stripe(stripe, ada, ada_api, pro, second):
    subscribe(stripe, ada, (second, 2))
    for path in ("preview", "cancel", "resume"):
        response = ada_api.post(f"subscription/{path}/", {"plan": "pro"} if path == "preview" else {})
        assert (response.status_code, response.json()["code"]) == (409, "several_subscriptions")
    data = mine(ada_api)
    assert (data["can_change"], data["can_cancel"], data["can_resume"]) == (False, False, False)


def test_foreign_product_is_left_alone(stripe, ada, ada_api):
    other = subscribe(stripe, ada, ("price_other", 1))
    for path in ("preview", "cancel", "resume"):
        response = ada_api.post(f"subscription/{path}/", {"plan": "pro"} if path == "preview" else {})
        assert (response.status_code, response.json()["code"]) == (409, "not_changeable")
    assert other["cancel_at_period_end"] is False


def test_foreign_product_does_not_stand_in_the_way(stripe, ada, ada_api, pro):
    subscribe(stripe, ada, ("price_other", 1))
    assert change(ada_api, quantity=2).status_code == 200


def test_foreign_item_stays_and_keeps_its_interval(stripe, ada, ada_api):
    both = subscribe(stripe, ada, ("price_other", 3), ("price_pro", 1))
    assert preview(ada_api, "pro", interval="year").json()["code"] == "not_changeable"
    assert change(ada_api, quantity=2).status_code == 200
    assert sorted(bought(both)) == [("price_other", 3), ("price_team", 2)]


@pytest.mark.parametrize(
    ("choice", "status", "answer"),
    [
        ({"plan": "gold"}, 400, "plan"),
        ({"plan": "pro", "interval": "week"}, 400, "interval"),
        ({"plan": "pro", "interval_count": 3}, 400, "interval"),
        ({"plan": "pro", "quantity": 2}, 400, "quantity"),
        ({"plan": "team", "quantity": 1}, 400, "quantity"),
        ({"plan": "team", "quantity": 51}, 400, "quantity"),
        ({"plan": "team", "quantity": 0}, 400, "quantity"),
        ({"plan": "team", "quantity": "many"}, 400, "quantity"),
        ({"plan": "team", "quantity": 10**30}, 400, "quantity"),
        ({"plan": "team", "add_ons": ["magic"]}, 400, "add_ons"),
        ({"plan": "team", "add_ons": "backup"}, 400, "add_ons"),
        ({"plan": "team", "price": "price_other"}, 400, "price"),
        ({"plan": ["pro"]}, 400, "plan"),
        ({}, 400, "plan"),
        ({"plan": "pro"}, 409, "nothing_to_change"),
        ({"plan": "later"}, 503, "plan_not_set_up"),
        ({"plan": "euro"}, 409, "currency_mismatch"),
    ],
)
def test_choice_is_refused_by_name(stripe, ada_api, pro, choice, status, answer):
    response = ada_api.post("subscription/preview/", choice)
    assert response.status_code == status
    assert answer in response.json() or response.json()["code"] == answer
    assert stripe.calls("/v1/invoices/create_preview") == []


def test_seats_in_use_are_the_smallest_quantity(stripe, ada, ada_api, settings):
    settings.BILLING_SEATS_IN_USE = "billing.tests.test_changes_refused.seats"
    subscribe(stripe, ada, ("price_team", 9))
    assert preview(ada_api, quantity=4).json() == {
        "quantity": ["5 seats are in use. Remove people first, or choose more seats."]
    }
    assert preview(ada_api, quantity=5).status_code == 200


def test_seats_are_added_when_the_plan_gets_them(stripe, ada, ada_api, pro, settings):
    assert preview(ada_api).json()["quantity"] == 2
    settings.BILLING_SEATS_IN_USE = "billing.tests.test_changes_refused.seats"
    assert preview(ada_api).json()["quantity"] == 5


def test_price_that_stripe_does_not_have_is_reported(stripe, ada_api, pro, caplog):
    del stripe.catalog["price_team"]
    assert preview(ada_api, quantity=2).status_code == 502
    assert "No such price: 'price_team'" in caplog.text


# The token


def test_token_is_needed_and_belongs_to_one_choice(stripe, ada_api, pro):
    token = preview(ada_api, quantity=5).json()["token"]
    assert list(ada_api.post("subscription/change/", {"plan": "team", "quantity": 5}).json()) == ["token"]
    for forged in ("x", token[:-1], f"{token}x", signing.dumps({"id": "1"}, salt="another")):
        response = confirm(ada_api, forged, quantity=5)
        assert (response.status_code, response.json()["code"]) == (409, "preview_outdated")
    assert confirm(ada_api, token, quantity=6).json()["code"] == "preview_outdated"
    assert confirm(ada_api, token, "pro", interval="year").json()["code"] == "preview_outdated"
    assert bought(pro) == [("price_pro", 1)]


def test_token_of_somebody_else_is_refused(stripe, ada_api, pro, django_user_model):
    token = preview(ada_api, quantity=5).json()["token"]
    bob = django_user_model.objects.create_user("bob@own.example", "correct horse battery")
    subscribe(stripe, bob, ("price_pro", 1))
    assert confirm(type(ada_api)(bob), token, quantity=5).json()["code"] == "preview_outdated"


def test_old_token_is_refused(stripe, ada_api, pro, monkeypatch):
    token = preview(ada_api, quantity=5).json()["token"]
    signer = signing.TimestampSigner(salt=SALT)
    monkeypatch.setattr(signing.TimestampSigner, "timestamp", lambda self: signing.b62_encode(1_700_000_000))
    old = signing.dumps(signing.loads(token, salt=SALT), salt=SALT, compress=True)
    assert signer.unsign(old)
    assert confirm(ada_api, old, quantity=5).json()["code"] == "preview_outdated"


def raise_price(stripe, pro):
    stripe.catalog["price_team"] = {**stripe.prices["price_team"], "unit_amount": 2500}


def give_credit(stripe, pro):
    stripe.customers[pro["customer"]]["balance"] = -300


def change_elsewhere(stripe, pro):
    pro["items"]["data"][0] |= {"quantity": 7}


def renew(stripe, pro):
    item = pro["items"]["data"][0]
    item |= {"current_period_start": item["current_period_end"], "current_period_end": item["current_period_end"] + 9}


@pytest.mark.parametrize("happening", [raise_price, give_credit, change_elsewhere, renew])
def test_what_changed_since_the_preview_is_not_charged(stripe, ada_api, pro, happening):
    token = preview(ada_api, quantity=5).json()["token"]
    happening(stripe, pro)
    response = confirm(ada_api, token, quantity=5)
    assert (response.status_code, response.json()["code"]) == (409, "preview_outdated")
    assert stripe.issued == []
    assert SubscriptionChange.objects.count() == 0


def test_token_of_another_subscription_is_refused(stripe, ada, ada_api, pro):
    token = preview(ada_api, quantity=5).json()["token"]
    pro["status"] = "canceled"
    stripe.emit("customer.subscription.deleted", pro)
    stripe.deliver()
    subscribe(stripe, ada, ("price_pro", 1))
    assert confirm(ada_api, token, quantity=5).json()["code"] == "preview_outdated"


def test_anonymous_requests_are_refused(stripe, client, db):
    for path in ("preview", "change", "cancel", "resume"):
        assert client.post(f"/api/billing/subscription/{path}/").status_code == 401
    assert Customer.objects.count() == 0
