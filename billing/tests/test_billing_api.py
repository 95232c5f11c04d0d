"""Plans, subscription, and payments in the API."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.settings import api_settings

from billing.models import Customer, InvoicePayment, Payment, RefundedCharge, Subscription
from billing.tests.support.api_client import BillingClient
from billing.tests.support.stripe_events import all_payloads, payload, post, post_all

PRICE = "price_1SNa2bKq4RtYw2VdPro9Month"


@pytest.fixture
def subscription(ada):
    customer = Customer.objects.create(pk="cus_1", user=ada)
    return Subscription(
        pk="sub_1",
        customer=customer,
        status="active",
        price_id=PRICE,
        recurring_amount=2900,
        interval_count=1,
        quantity=1,
        currency="usd",
        interval="month",
        current_period_end=timezone.now() + timedelta(days=9),
        version="001793620803.2.evt_1",
    )


def test_plans_are_public(db):
    [plan] = BillingClient().get("plans/").json()
    price = {"amount": 2900, "currency": "usd", "interval": "month", "display_amount": "$29.00"}
    assert plan == {
        "slug": "pro",
        "name": "Pro",
        "description": "",
        "features": [],
        "prices": [{"id": "price_1SNa2bKq4RtYw2VdPro9Month", "interval_count": 1, **price}],
        **price,
    }


def test_subscription_is_returned(ada_api, subscription):
    subscription.save()
    data = ada_api.get("subscription/").json()
    assert data.items() >= {"status": "active", "gives_access": True, "plan": {"slug": "pro", "name": "Pro"}}.items()
    assert data.items() >= {"amount": 2900, "display_amount": "$29.00", "quantity": 1, "cancel_at": None}.items()
    assert data["next_charge_at"] == data["current_period_end"]


def test_missing_subscription_has_the_same_fields(ada_api, subscription):
    empty = ada_api.get("subscription/").json()
    assert empty["status"] == "none"
    assert empty["gives_access"] is False
    assert empty["plan"] is None
    subscription.save()
    assert ada_api.get("subscription/").json().keys() == empty.keys()


def test_subscription_with_access_is_preferred(ada_api, subscription):
    subscription.save()
    for number, status in enumerate(["canceled", "incomplete_expired", "unpaid"], start=2):
        Subscription.objects.create(pk=f"sub_{number}", customer_id="cus_1", status=status, version="9")
    assert ada_api.get("subscription/").json()["status"] == "active"


def test_ending_subscription_has_no_next_charge(ada_api, subscription):
    subscription.cancel_at = subscription.current_period_end
    subscription.save()
    data = ada_api.get("subscription/").json()
    assert (data["next_charge_at"], data["gives_access"]) == (None, True)
    assert data["cancel_at"]


def test_payments_are_newest_first_with_refunds(ada_api):
    post_all([payload("invoice_paid_first"), payload("invoice_payment_failed_renewal")])
    InvoicePayment.objects.create(payment_intent="pi_1", invoice="in_1SPb7xKq4RtYw2VdA1b2C3d4")
    RefundedCharge.objects.create(pk="ch_1", payment_intent="pi_1", currency="usd", amount=1000)
    failed, paid = ada_api.get("payments/").json()["results"]
    assert failed["status"] == "failed"
    assert failed["amount_refunded"] == 0
    assert failed["paid_at"] is None
    assert paid["status"] == "paid"
    assert paid["amount"] == 2900
    assert paid["amount_refunded"] == 1000
    assert (paid["description"], paid["display_amount"]) == ("Pro", "$29.00")


def test_payments_are_paginated(ada_api, ada, django_assert_max_num_queries):
    Payment.objects.bulk_create(
        Payment(stripe_id=f"in_{n}", user=ada, status="paid", amount=n, currency="usd") for n in range(45)
    )
    with django_assert_max_num_queries(4):
        first = ada_api.get("payments/").json()
    last = ada_api.get("payments/?page=3").json()
    assert first["count"] == 45
    assert len(first["results"]) == 20
    assert len(last["results"]) == 5
    assert last["next"] is None
    assert first["results"][0]["amount"] == 44
    assert ada_api.get("payments/?page=4").status_code == 404


def test_single_payment_is_returned(ada_api, ada):
    payment = Payment.objects.create(
        stripe_id="in_1", user=ada, status="paid", amount=500, currency="jpy", paid_at=datetime(2026, 11, 2, tzinfo=UTC)
    )
    data = ada_api.get(f"payments/{payment.pk}/").json()
    assert (data["display_amount"], data["paid_at"]) == ("¥500", "2026-11-02T00:00:00Z")
    assert ada_api.get("payments/999999999999999999/").status_code == 404


@pytest.mark.parametrize("path", ["plans", "subscription", "payments", "payments/1", "checkout", "portal"])
def test_slash_is_optional(ada_api, stripe_api, path):
    send = ada_api.post if path in ("checkout", "portal") else ada_api.get
    assert send(path).status_code == send(f"{path}/").status_code
    assert send(path).headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("scope", ["checkout/", "portal/"])
def test_repeated_requests_are_throttled(ada_api, settings, stripe_api, scope):
    cache.clear()
    rates = {**api_settings.DEFAULT_THROTTLE_RATES, "billing": "2/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    responses = [ada_api.post(scope) for _ in range(3)]
    assert responses[2].status_code == 429
    assert 0 < int(responses[2]["Retry-After"]) <= 3600


def test_every_documented_event_can_be_shown(ada_api):
    for event in all_payloads():
        post(event)
    assert ada_api.get("subscription/").json()["status"] == "canceled"
    assert ada_api.get("payments/").json()["count"] == 2


def test_every_live_subscription_is_returned(ada_api, subscription):
    subscription.save()
    subscription.pk, subscription.recurring_amount, subscription.version = "sub_2", 9900, "001793620804.2.evt_2"
    subscription.save()
    ended = Subscription(pk="sub_3", customer=subscription.customer, status="canceled")
    ended.save()
    data = ada_api.get("subscription/").json()
    assert data["display_amount"] == "$99.00"
    assert [other["display_amount"] for other in data["others"]] == ["$29.00"]
    assert all(other["next_charge_at"] for other in data["others"])
