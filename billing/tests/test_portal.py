"""The portal: Stripe's own page for card, plan, invoices and cancellation."""

import pytest

from billing.models import Customer, Subscription


@pytest.fixture
def customer(ada, stripe):
    made = stripe.create_customer({"email": "ada@own.example"})
    return Customer.objects.create(pk=made["id"], user=ada)


def test_portal_returns_stripes_page_and_return_url(as_ada, customer, stripe):
    answer = as_ada.portal()
    assert (answer.status_code, list(answer.json())) == (200, ["url"])
    assert answer.json()["url"].startswith("https://billing.stripe.com/p/session/")
    [call] = stripe.asked
    assert call.parameters == {"customer": customer.pk, "return_url": "https://app.example.com/billing"}


def test_each_click_gets_its_own_page(as_ada, customer):
    assert as_ada.portal().json() != as_ada.portal().json()


def test_customer_with_subscription_is_preferred(as_ada, ada, customer, stripe):
    Subscription.objects.create(pk="sub_1", status="active", customer=customer)
    Customer.objects.create(pk=stripe.create_customer({"email": "ada@own.example"})["id"], user=ada)
    as_ada.portal()
    assert stripe.asked[-1].parameters["customer"] == customer.pk


def test_user_without_purchases_is_refused(as_ada, stripe):
    answer = as_ada.portal()
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_bought")
    assert stripe.asked == []


def test_customer_deleted_at_stripe_is_refused(as_ada, customer, stripe):
    stripe.delete_customer(customer.pk)
    assert [as_ada.portal().json()["code"] for _ in range(2)] == ["nothing_bought"] * 2
    assert len(stripe.asked) == 1


def test_unconfigured_portal_is_logged_for_staff(as_ada, customer, stripe, caplog):
    stripe.is_portal_configured = False
    answer = as_ada.portal()
    assert (answer.status_code, answer.json()["code"]) == (502, "stripe_refused")
    assert "Save your customer portal settings" in caplog.text


@pytest.mark.parametrize("fault", ["timeout-before", "500", "429"])
def test_unreachable_stripe_is_reported(as_ada, customer, stripe, fault):
    stripe.faults = [fault] * 3
    assert as_ada.portal().json()["code"] == "stripe_unavailable"


def test_unknown_fields_are_refused(as_ada, customer, stripe):
    answer = as_ada.post("portal/", {"customer": "cus_of_somebody_else"})
    assert (answer.status_code, list(answer.json())) == (400, ["customer"])
    assert stripe.asked == []
