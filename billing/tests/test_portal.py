"""The portal: Stripe's page for card, plan, invoices, and cancellation."""

import pytest

from billing.models import Customer, Subscription


@pytest.fixture
def customer(ada, stripe_api):
    created = stripe_api.create_customer({"email": "ada@own.example"})
    return Customer.objects.create(pk=created["id"], user=ada)


def test_portal_returns_stripes_page_and_return_url(ada_api, customer, stripe_api):
    response = ada_api.portal()
    assert (response.status_code, list(response.json())) == (200, ["url"])
    assert response.json()["url"].startswith("https://billing.stripe.com/p/session/")
    [call] = stripe_api.requests
    assert call.parameters == {"customer": customer.pk, "return_url": "https://app.example.com/billing"}


def test_each_click_gets_its_own_page(ada_api, customer):
    assert ada_api.portal().json() != ada_api.portal().json()


def test_customer_with_subscription_is_preferred(ada_api, ada, customer, stripe_api):
    Subscription.objects.create(pk="sub_1", status="active", customer=customer)
    Customer.objects.create(pk=stripe_api.create_customer({"email": "ada@own.example"})["id"], user=ada)
    ada_api.portal()
    assert stripe_api.requests[-1].parameters["customer"] == customer.pk


def test_user_without_purchases_is_refused(ada_api, stripe_api):
    response = ada_api.portal()
    assert (response.status_code, response.json()["code"]) == (409, "nothing_bought")
    assert stripe_api.requests == []


def test_customer_deleted_at_stripe_is_refused(ada_api, customer, stripe_api):
    stripe_api.delete_customer(customer.pk)
    assert [ada_api.portal().json()["code"] for _ in range(2)] == ["nothing_bought"] * 2
    assert len(stripe_api.requests) == 1


def test_unconfigured_portal_is_logged_for_staff(ada_api, customer, stripe_api, caplog):
    stripe_api.is_portal_configured = False
    response = ada_api.portal()
    assert (response.status_code, response.json()["code"]) == (502, "stripe_refused")
    assert "Save your customer portal settings" in caplog.text


@pytest.mark.parametrize("fault", ["timeout-before", "500", "429"])
def test_unreachable_stripe_is_reported(ada_api, customer, stripe_api, fault):
    stripe_api.faults = [fault] * 3
    assert ada_api.portal().json()["code"] == "stripe_unavailable"


def test_unknown_fields_are_refused(ada_api, customer, stripe_api):
    response = ada_api.post("portal/", {"customer": "cus_of_somebody_else"})
    assert (response.status_code, list(response.json())) == (400, ["customer"])
    assert stripe_api.requests == []
