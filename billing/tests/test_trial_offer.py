"""A trial at checkout: on the plan's terms, and once per person."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from billing.models import Checkout, Customer, Erasure, Subscription
from billing.services.trials import has_had_trial
from billing.tests.support.api_client import BillingClient
from billing.tests.support.offers import sell_everything
from billing.tests.support.parallel import run_in_parallel
from billing.tests.support.stripe_events import changed, payload, post

TRIAL = {"trial_days": 14}


@pytest.fixture(autouse=True)
def offers(settings, stripe_api):
    sell_everything(settings, stripe_api)
    settings.BILLING_PLANS = [plan | (TRIAL if plan.get("prices") else {}) for plan in settings.BILLING_PLANS]


def set_plans(settings, **values):
    settings.BILLING_PLANS = [plan | (values if plan.get("prices") else {}) for plan in settings.BILLING_PLANS]


def trials(stripe_api):
    """Return the days of trial of each session."""
    data = (session["subscription_data"] for session in stripe_api.sessions.values())
    return [int(terms.get("trial_period_days", 0)) for terms in data]


def trial_event(gen="new", event_type="customer.subscription.updated", **values):
    now = int(time.time())
    trial = {"status": "trialing", "trial_start": now, "trial_end": now + 9 * 86400}
    return changed(payload("customer_subscription_created", gen), event_type, **(trial | values))


def test_trial_with_a_card(ada_api, stripe_api):
    ada_api.checkout()
    [session] = stripe_api.sessions.values()
    assert session["subscription_data"].keys() == {"metadata", "trial_period_days"}
    assert session["subscription_data"]["trial_period_days"] == "14"
    assert "payment_method_collection" not in session["parameters"]


@pytest.mark.parametrize("end", ["cancel", "pause"])
def test_trial_without_a_card_says_what_its_end_does(ada_api, stripe_api, settings, end):
    set_plans(settings, trial_requires_card=False, trial_without_card=end)
    ada_api.checkout()
    [session] = stripe_api.sessions.values()
    behavior = session["subscription_data"]["trial_settings"]
    assert behavior == {"end_behavior": {"missing_payment_method": end}}
    assert session["parameters"]["payment_method_collection"] == "if_required"


def test_unfinished_checkout_keeps_the_trial(ada_api, stripe_api):
    ada_api.checkout()
    ada_api.checkout("team")
    ada_api.checkout("pro", interval="year")
    [*_, last] = stripe_api.sessions.values()
    last["status"] = "expired"
    ada_api.checkout()
    assert trials(stripe_api) == [14] * 4


@pytest.mark.parametrize("gen", ["old", "new"])
@pytest.mark.parametrize("status", ["canceled", "active"])
def test_reported_trial_counts_whatever_became_of_it(ada_api, stripe_api, gen, status):
    """The trial may have begun at Stripe, in the portal, or here."""
    post(trial_event(gen))
    if status == "active":
        post(trial_event(gen, status="active", created=int(time.time()) + 1))
    ended = int(time.time())
    post(trial_event(gen, "customer.subscription.deleted", status="canceled", ended_at=ended))
    ada_api.checkout("team")
    assert trials(stripe_api) == [0]


def test_former_subscription_without_a_trial_leaves_it(ada_api, stripe_api, ada):
    customer = Customer.objects.create(pk=stripe_api.create_customer({"email": "a@b"})["id"], user=ada)
    Subscription.objects.create(pk="sub_1", status="canceled", customer=customer)
    Subscription.objects.create(pk="sub_2", status="incomplete_expired", customer=customer, trial_end=timezone.now())
    ada_api.checkout()
    assert trials(stripe_api) == [14]


def test_trial_of_any_customer_of_the_person_counts(ada_api, stripe_api, ada):
    former = Customer.objects.create(pk="cus_former", user=ada, deleted_at=timezone.now())
    Subscription.objects.create(pk="sub_1", status="canceled", customer=former, trial_end=timezone.now())
    ada_api.checkout()
    assert trials(stripe_api) == [0]


def test_strangers_trial_with_the_same_address_does_not_count(ada_api, stripe_api, ada):
    """Anybody can type any address at Stripe, and must not use up its owner's trial."""
    guest = Customer.objects.create(pk="cus_guest", email=ada.email, is_marked=True)
    Subscription.objects.create(pk="sub_1", status="canceled", customer=guest, trial_end=timezone.now())
    ada_api.checkout()
    assert trials(stripe_api) == [14]


def test_trial_that_began_closes_the_page_that_still_offers_one(ada_api, stripe_api, ada):
    ada_api.checkout()
    customer = Customer.objects.get()
    ended = timezone.now() - timedelta(days=1)
    Subscription.objects.create(pk="sub_1", status="canceled", customer=customer, trial_end=ended)
    ada_api.checkout()
    assert trials(stripe_api) == [14, 0]
    assert [session["status"] for session in stripe_api.sessions.values()] == ["expired", "open"]


@pytest.mark.parametrize("had_trial", [True, False])
def test_deleted_account_does_not_bring_the_trial_back(stripe_api, ada, had_trial):
    customer = Customer.objects.create(pk="cus_former", user=ada)
    trial_end = timezone.now() if had_trial else None
    Subscription.objects.create(pk="sub_1", status="canceled", customer=customer, trial_end=trial_end)
    ada.delete()
    again = User.objects.create_user("Ada@own.example", "correct horse battery")
    assert BillingClient(again).checkout().status_code == 200
    assert trials(stripe_api) == [0 if had_trial else 14]
    Erasure.objects.update(address_digest="")  # after 90 days
    assert not has_had_trial(again)


def test_twice_deleted_account_keeps_the_memory(stripe_api, ada):
    customer = Customer.objects.create(pk="cus_former", user=ada)
    Subscription.objects.create(pk="sub_1", status="canceled", customer=customer, trial_end=timezone.now())
    for _ in range(2):
        User.objects.get(email="ada@own.example").delete()
        again = User.objects.create_user("ada@own.example", "correct horse battery")
    Erasure.objects.filter(user_id=7).update(address_digest="")
    assert has_had_trial(again)


def test_simultaneous_clicks_open_one_trial(shared_database, stripe_api, monkeypatch):
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0.5)
    stripe_api.latency = 0.05
    client = BillingClient(User.objects.create_user("ada@own.example", "correct horse battery"))
    clicks = [lambda plan=plan: client.checkout(plan) for plan in ("pro", "team", "pro", "team")]
    responses = run_in_parallel(*clicks)
    assert {response.status_code for response in responses} <= {200, 409}
    assert [session["status"] for session in stripe_api.sessions.values()].count("open") == 1
    assert Checkout.objects.filter(closed_at=None).count() == 1


def test_completed_trial_refuses_a_second_one_before_its_event(ada_api, stripe_api):
    ada_api.checkout()
    session = stripe_api.complete(next(iter(stripe_api.sessions)))
    session["payment_status"] = "no_payment_required"
    assert ada_api.checkout("team").json()["code"] == "already_subscribed"
    post(trial_event(event_type="customer.subscription.deleted", status="canceled", id=session["subscription"]))
    ada_api.checkout("team")
    assert trials(stripe_api) == [14, 0]
