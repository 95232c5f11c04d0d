"""Ada with a subscription at a stand-in for Stripe, for the tests of changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accounts.models import User
from billing.models import Customer
from billing.tests.support.api_client import BillingClient
from billing.tests.support.plans import ADD_ONS, PLANS
from billing.tests.support.stripe_billing import StripeBilling
from billing.tests.support.stripe_standin import KEY


@contextmanager
def stripe_with_prices(settings: Any) -> Iterator[StripeBilling]:
    """Start the stand-in, with the prices of ``PLANS`` and one that isn't sold here."""
    settings.BILLING_PLANS, settings.BILLING_ADD_ONS = PLANS, ADD_ONS
    with StripeBilling() as stripe:
        fill(stripe)
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_URL = KEY, stripe.url
        settings.STRIPE_CALL_SECONDS = settings.STRIPE_REQUEST_SECONDS = 60
        yield stripe


def fill(stripe: StripeBilling) -> None:
    for offer in [*PLANS, *ADD_ONS]:
        for price in offer["prices"]:
            stripe.add_price(price["id"], price["amount"], price["interval"], currency=price["currency"])
    stripe.add_price("price_pro_2020", 1900)
    stripe.add_price("price_other", 700)


def subscribe(stripe: StripeBilling, user: User, *bought: tuple[str, int], **values: Any) -> dict[str, Any]:
    """Give the user a customer and a subscription, in Stripe and, by its event, here."""
    customer = Customer.objects.filter(user=user).first()
    if customer is None:
        created = stripe.create_customer({"email": user.email})
        customer = Customer.objects.create(pk=created["id"], user=user, is_marked=True)
    subscription = stripe.subscribe(customer.pk, bought, **values)
    assert stripe.deliver() == [200]
    return subscription


def preview(api: BillingClient, plan: str = "team", **values: Any) -> Any:
    return api.post("subscription/preview/", {"plan": plan, **values})


def change(api: BillingClient, plan: str = "team", **values: Any) -> Any:
    """Preview a change and confirm it."""
    token = preview(api, plan, **values).json()["token"]
    return confirm(api, token, plan, **values)


def confirm(api: BillingClient, token: str, plan: str = "team", **values: Any) -> Any:
    return api.post("subscription/change/", {"plan": plan, **values, "token": token})


def mine(api: BillingClient) -> dict[str, Any]:
    return dict(api.get("subscription/").json())


def bought(subscription: dict[str, Any]) -> list[tuple[str, int]]:
    """Return what the subscription consists of at Stripe."""
    return [(item["price"]["id"], item["quantity"]) for item in subscription["items"]["data"]]
