"""Stripe's customer portal: the page on which a person manages their card, invoices, and subscription."""

from enum import StrEnum
from typing import Any

from django.conf import settings

from accounts.models import User
from billing.errors import NothingBought, StripeRefused, StripeUnavailable
from billing.gateway.api import StripeApi
from billing.models import Subscription
from billing.services import customers
from billing.services.stripe_customers import known_customer

RETURN_PATH = "/billing"


class PortalFlow(StrEnum):
    """A page of the portal that can be opened directly, by Stripe's name."""

    UPDATE_CARD = "payment_method_update"
    CANCEL = "subscription_cancel"
    CHANGE_PLAN = "subscription_update"


def open_portal(*, user: User, flow: PortalFlow | None = None) -> str:
    """Return the URL of Stripe's page on which the user changes card, plan, or address, cancels, and finds invoices.

    With ``flow``, the page offers only this and then leads back. It can be opened for some minutes. Raises
    ``BillingError``.
    """
    api = StripeApi()
    customer = known_customer(user)
    if not customer:
        raise NothingBought
    parameters = flow_parameters(user, customer, flow) if flow else {}
    try:
        session = api.create_portal_session(
            customer=customer, return_url=f"{settings.APP_URL}{RETURN_PATH}", **parameters
        )
    except StripeRefused as error:
        if error.missing != "customer":
            raise
        # The customer was deleted at Stripe, and its event has not arrived yet.
        customers.record_deletion(customer)
        raise NothingBought from None
    if not (url := session.link("url")):
        raise StripeUnavailable
    return url


def flow_parameters(user: User, customer: str, flow: PortalFlow) -> dict[str, Any]:
    """Return the parameters that open this page. Raises ``NothingBought`` if it needs a subscription."""
    back = {"type": "redirect", "redirect": {"return_url": f"{settings.APP_URL}{RETURN_PATH}"}}
    data: dict[str, Any] = {"type": str(flow), "after_completion": back}
    if flow != PortalFlow.UPDATE_CARD:
        live = Subscription.objects.of(user.pk).live().filter(customer=customer)
        current = next((subscription for subscription in live if subscription.plan), None)
        if current is None:
            raise NothingBought
        data[str(flow)] = {"subscription": current.pk}
    return {"flow_data": data}
