"""Nobody reaches what is somebody else's: on every route of billing, by every name it could be asked for."""

from collections.abc import Iterator

import pytest

from accounts.models import User
from billing.api.urls import urlpatterns
from billing.models import Checkout, Customer, Payment, Subscription
from billing.tests.support.api_client import Browser

SECRETS = ("cus_of_ada", "sub_of_ada", "in_of_ada", "cs_of_ada", "ada@own.example", "Ada", "INV-ADA")


@pytest.fixture
def belongings(ada, stripe):
    """One of everything, of Ada's. Returns her payment's primary key."""
    customer = Customer.objects.create(pk="cus_of_ada", user=ada, email=ada.email, name="Ada")
    Subscription.objects.create(pk="sub_of_ada", customer=customer, status="active")
    Checkout.objects.create(user=ada, plan="pro", price_id="price_1", session_id="cs_of_ada", url="https://cs_of_ada")
    payment = Payment.objects.create(
        stripe_id="in_of_ada", customer=customer, user=ada, status="paid", amount=2900, currency="usd",
        subscription_id="sub_of_ada", number="INV-ADA", email=ada.email,
    )  # fmt: skip
    return payment.pk


def routes() -> Iterator[tuple[str, str]]:
    """Every route of the API with every method, so that a new one is tried too."""
    for route in urlpatterns:
        path = str(route.pattern).removeprefix("^").removesuffix("/?$").replace("(?P<pk>[0-9]{1,18})", "{pk}")
        yield from ((method, path) for method in ("get", "post", "put", "patch", "delete"))


@pytest.mark.parametrize("body", [{}, {"plan": "pro"}, {"customer": "cus_of_ada"}, {"user": 7, "id": "sub_of_ada"}])
@pytest.mark.parametrize("who", ["Bob", "nobody"])
@pytest.mark.parametrize(("method", "path"), [*routes()])
def test_data_of_others_is_unreachable_on_every_route(belongings, stripe, method, path, who, body):
    bob = User.objects.create_user("bob@own.example", "correct horse battery", name="Bob") if who == "Bob" else None
    ask = getattr(Browser(bob).client, method)
    query = "" if method == "post" else "?user=7&user_id=7&customer=cus_of_ada"
    answer = ask(f"/api/billing/{path.format(pk=belongings)}/{query}", body, content_type="application/json")
    assert not [secret for secret in SECRETS if secret in answer.text]
    assert "cus_of_ada" not in str(stripe.asked)
    if bob is None:
        assert path == "plans" or answer.status_code == 401
    elif "{pk}" in path:
        assert answer.status_code == (404 if method == "get" else 405)


def test_new_user_sees_no_data(belongings):
    bob = Browser(User.objects.create_user("bob@own.example", "correct horse battery"))
    assert bob.get("payments/").json()["count"] == 0
    assert bob.get("subscription/").json()["status"] == "none"
    assert bob.portal().json()["code"] == "nothing_bought"


def test_owner_sees_own_payment(belongings, as_ada):
    assert as_ada.get(f"payments/{belongings}/").json()["number"] == "INV-ADA"
