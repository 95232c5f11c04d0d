"""No user reaches another user's billing data, on any route and under any ID."""

from collections.abc import Iterator

import pytest

from accounts.models import User
from billing.api.urls import urlpatterns
from billing.models import Checkout, Customer, Payment, Subscription
from billing.tests.support.api_client import BillingClient

SECRETS = ("cus_of_ada", "sub_of_ada", "in_of_ada", "cs_of_ada", "ada@own.example", "Ada", "INV-ADA")


@pytest.fixture
def ada_payment_id(ada, stripe_api):
    """Create one row of every kind for Ada, and return the primary key of her payment."""
    customer = Customer.objects.create(pk="cus_of_ada", user=ada, email=ada.email, name="Ada")
    Subscription.objects.create(pk="sub_of_ada", customer=customer, status="active")
    Checkout.objects.create(user=ada, plan="pro", price_id="price_1", session_id="cs_of_ada", url="https://cs_of_ada")
    payment = Payment.objects.create(
        stripe_id="in_of_ada",
        customer=customer,
        user=ada,
        status="paid",
        amount=2900,
        currency="usd",
        subscription_id="sub_of_ada",
        number="INV-ADA",
        email=ada.email,
    )
    return payment.pk


def routes() -> Iterator[tuple[str, str]]:
    """Every route of the API with every method, so that new routes are covered too."""
    for route in urlpatterns:
        path = str(route.pattern).removeprefix("^").removesuffix("/?$").replace("(?P<pk>[0-9]{1,18})", "{pk}")
        yield from ((method, path) for method in ("get", "post", "put", "patch", "delete"))


@pytest.mark.parametrize("body", [{}, {"plan": "pro"}, {"customer": "cus_of_ada"}, {"user": 7, "id": "sub_of_ada"}])
@pytest.mark.parametrize("visitor", ["Bob", "nobody"])
@pytest.mark.parametrize(("method", "path"), [*routes()])
def test_data_of_others_is_unreachable_on_every_route(ada_payment_id, stripe_api, method, path, visitor, body):
    bob = User.objects.create_user("bob@own.example", "correct horse battery", name="Bob") if visitor == "Bob" else None
    ask = getattr(BillingClient(bob).client, method)
    query = "" if method == "post" else "?user=7&user_id=7&customer=cus_of_ada"
    response = ask(f"/api/billing/{path.format(pk=ada_payment_id)}/{query}", body, content_type="application/json")
    assert not [secret for secret in SECRETS if secret in response.text]
    assert "cus_of_ada" not in str(stripe_api.requests)
    if bob is None:
        assert path in ("plans", "add-ons", "products") or response.status_code == 401
    elif "{pk}" in path:
        assert response.status_code == (404 if method == "get" else 405)


def test_new_user_sees_no_data(ada_payment_id):
    bob = BillingClient(User.objects.create_user("bob@own.example", "correct horse battery"))
    assert bob.get("payments/").json()["count"] == 0
    assert bob.get("subscription/").json()["status"] == "none"
    assert bob.portal().json()["code"] == "nothing_bought"


def test_owner_sees_own_payment(ada_payment_id, ada_api):
    assert ada_api.get(f"payments/{ada_payment_id}/").json()["number"] == "INV-ADA"
