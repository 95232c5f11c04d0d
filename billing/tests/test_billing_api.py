"""What a person sees of plans, subscription and payments by the API."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.settings import api_settings

from billing.models import Customer, InvoicePayment, Payment, RefundedCharge, Subscription
from billing.tests.support.api_client import Browser
from billing.tests.support.stripe_events import all_payloads, payload, post, post_all

PRICE = "price_1SNa2bKq4RtYw2VdPro9Month"


@pytest.fixture
def subscription(ada):
    customer = Customer.objects.create(pk="cus_1", user=ada)
    return Subscription(
        pk="sub_1", customer=customer, status="active", price_id=PRICE, unit_amount=2900, currency="usd",
        interval="month", current_period_end=timezone.now() + timedelta(days=9), version="001793620803.2.evt_1",
    )  # fmt: skip


def test_plans_are_public(db):
    [plan] = Browser().get("plans/").json()
    assert plan == {
        "slug": "pro", "name": "Pro", "description": "", "amount": 2900, "currency": "usd", "interval": "month",
        "display_amount": "29.00 USD",
    }  # fmt: skip


def test_subscription_is_returned(as_ada, subscription):
    subscription.save()
    shown = as_ada.get("subscription/").json()
    assert shown.items() >= {"status": "active", "gives_access": True, "plan": {"slug": "pro", "name": "Pro"}}.items()
    assert shown.items() >= {"amount": 2900, "display_amount": "29.00 USD", "quantity": 1, "cancel_at": None}.items()
    assert shown["next_charge_at"] == shown["current_period_end"]


def test_quantity_multiplies_the_amount(as_ada, subscription):
    subscription.quantity = 3
    subscription.save()
    shown = as_ada.get("subscription/").json()
    assert (shown["quantity"], shown["amount"], shown["display_amount"]) == (3, 8700, "87.00 USD")


def test_missing_subscription_has_the_same_fields(as_ada, subscription):
    nothing = as_ada.get("subscription/").json()
    assert (nothing["status"], nothing["gives_access"], nothing["plan"]) == ("none", False, None)
    subscription.save()
    assert as_ada.get("subscription/").json().keys() == nothing.keys()


def test_subscription_with_access_is_preferred(as_ada, subscription):
    subscription.save()
    for number, status in enumerate(["canceled", "incomplete_expired", "unpaid"], start=2):
        Subscription.objects.create(pk=f"sub_{number}", customer_id="cus_1", status=status, version="9")
    assert as_ada.get("subscription/").json()["status"] == "active"


def test_ending_subscription_has_no_next_charge(as_ada, subscription):
    subscription.cancel_at = subscription.current_period_end
    subscription.save()
    shown = as_ada.get("subscription/").json()
    assert (shown["next_charge_at"], shown["gives_access"]) == (None, True)
    assert shown["cancel_at"]


def test_payments_are_newest_first_with_refunds(as_ada):
    post_all([payload("invoice_paid_first"), payload("invoice_payment_failed_renewal")])
    InvoicePayment.objects.create(payment_intent="pi_1", invoice="in_1SPb7xKq4RtYw2VdA1b2C3d4")
    RefundedCharge.objects.create(pk="ch_1", payment_intent="pi_1", currency="usd", amount=1000)
    failed, paid = as_ada.get("payments/").json()["results"]
    assert (failed["status"], failed["amount_refunded"], failed["paid_at"]) == ("failed", 0, None)
    assert (paid["status"], paid["amount"], paid["amount_refunded"]) == ("paid", 2900, 1000)
    assert (paid["description"], paid["display_amount"]) == ("Pro", "29.00 USD")


def test_payments_are_paginated(as_ada, ada, django_assert_max_num_queries):
    Payment.objects.bulk_create(
        Payment(stripe_id=f"in_{n}", user=ada, status="paid", amount=n, currency="usd") for n in range(45)
    )
    with django_assert_max_num_queries(4):
        first = as_ada.get("payments/").json()
    last = as_ada.get("payments/?page=3").json()
    assert (first["count"], len(first["results"]), len(last["results"]), last["next"]) == (45, 20, 5, None)
    assert first["results"][0]["amount"] == 44
    assert as_ada.get("payments/?page=4").status_code == 404


def test_single_payment_is_returned(as_ada, ada):
    payment = Payment.objects.create(
        stripe_id="in_1", user=ada, status="paid", amount=500, currency="jpy", paid_at=datetime(2026, 11, 2, tzinfo=UTC)
    )
    shown = as_ada.get(f"payments/{payment.pk}/").json()
    assert (shown["display_amount"], shown["paid_at"]) == ("500 JPY", "2026-11-02T00:00:00Z")
    assert as_ada.get("payments/999999999999999999/").status_code == 404


@pytest.mark.parametrize("path", ["plans", "subscription", "payments", "payments/1", "checkout", "portal"])
def test_slash_is_optional(as_ada, stripe, path):
    ask = as_ada.post if path in ("checkout", "portal") else as_ada.get
    assert ask(path).status_code == ask(f"{path}/").status_code
    assert ask(path).headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("scope", ["checkout/", "portal/"])
def test_repeated_requests_are_throttled(as_ada, settings, stripe, scope):
    cache.clear()
    rates = {**api_settings.DEFAULT_THROTTLE_RATES, "billing": "2/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    answers = [as_ada.post(scope) for _ in range(3)]
    assert answers[2].status_code == 429
    assert 0 < int(answers[2]["Retry-After"]) <= 3600


def test_every_documented_event_can_be_shown(as_ada):
    for event in all_payloads():
        post(event)
    assert as_ada.get("subscription/").json()["status"] == "canceled"
    assert as_ada.get("payments/").json()["count"] == 2
