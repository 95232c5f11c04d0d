"""Calls to Stripe's API: https://docs.stripe.com/api

Every failure is raised as a ``BillingError``, and logged with what staff need to fix it. Requests use the API version
that Stripe's package was built for.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.conf import settings

from billing.errors import BillingError, PaymentsNotSetUp, StripeRefused, StripeUnavailable
from billing.payloads import StripeObject
from common.http.retry_after import retry_after
from common.redaction import redact

if TYPE_CHECKING:
    import stripe

logger = logging.getLogger(__name__)

MAX_PAGE_SIZE = 100  # of Stripe's lists
PERSONAL_PARAMETERS = ("email", "name")
SCHEDULE = "schedule.phases.items.price"  # events contain only the IDs of these prices


class StripeApi:
    """The calls of one operation, which together take at most ``timeout`` (by default STRIPE_REQUEST_SECONDS).

    Raises ``PaymentsNotSetUp`` without an API key.
    """

    def __init__(self, timeout: timedelta | None = None, **options: int) -> None:
        if not settings.STRIPE_SECRET_KEY:
            raise PaymentsNotSetUp
        from billing.gateway.client import connect  # noqa: PLC0415  # Stripe's package takes 30 MB

        self._client = connect(timeout or timedelta(seconds=settings.STRIPE_REQUEST_SECONDS), **options)

    def create_customer(self, *, key: str, email: str, name: str, metadata: Mapping[str, str]) -> str:
        """Create a customer and return its id. Safe to repeat with the same key and the same values."""
        person = {"email": email, "name": name} if name else {"email": email}
        return self._call("post", "/v1/customers", idempotency_key=key, metadata=dict(metadata), **person).id

    def find_customer(self, *, email: str, metadata: Mapping[str, str]) -> str:
        """Return the id of the customer with this address and all of the metadata, or an empty string."""
        customers = self._call("get", "/v1/customers", email=email, limit=MAX_PAGE_SIZE).objects("data")
        matching = (customer for customer in customers if metadata.items() <= customer.inner("metadata").data.items())
        return next((customer.id for customer in matching), "")

    def customer(self, customer_id: str) -> StripeObject:
        return self._call("get", f"/v1/customers/{quote(customer_id, safe='')}")

    def customers(self, *, after: str, limit: int) -> StripeObject:
        """Return the page of all customers that follows the one with the ID ``after``, newest first."""
        return self._page("/v1/customers", after, limit)

    def update_customer(self, customer_id: str, **values: str) -> None:
        """Change only these fields of the customer. An empty value removes what is there."""
        self._call("post", f"/v1/customers/{quote(customer_id, safe='')}", **values)

    def delete_customer(self, customer_id: str) -> None:
        """Delete the customer for good. Stripe cancels its subscriptions, and keeps its invoices and payments."""
        self._call("delete", f"/v1/customers/{quote(customer_id, safe='')}")

    def cancel_subscription(self, subscription_id: str) -> None:
        """Cancel the subscription immediately, without a refund."""
        self._call("delete", f"/v1/subscriptions/{quote(subscription_id, safe='')}")

    def subscription(self, subscription_id: str) -> StripeObject:
        """Return the subscription with its schedule, which names its prices in full."""
        return self._call("get", f"/v1/subscriptions/{quote(subscription_id, safe='')}", expand=[SCHEDULE])

    def update_subscription(self, subscription_id: str, *, key: str, **changes: Any) -> StripeObject:
        """Change the subscription. Safe to repeat with the same key and the same changes."""
        path = f"/v1/subscriptions/{quote(subscription_id, safe='')}"
        return self._call("post", path, idempotency_key=key, **changes)

    def preview_invoice(self, **parameters: Any) -> StripeObject:
        """Return the invoice that a change would create. Nothing is changed or charged."""
        return self._call("post", "/v1/invoices/create_preview", **parameters)

    def create_schedule(self, subscription_id: str, *, key: str) -> StripeObject:
        """Create a schedule that consists of the subscription's current state. Stripe accepts nothing else here."""
        return self._call("post", "/v1/subscription_schedules", idempotency_key=key, from_subscription=subscription_id)

    def update_schedule(self, schedule_id: str, *, key: str, **changes: Any) -> StripeObject:
        path = f"/v1/subscription_schedules/{quote(schedule_id, safe='')}"
        return self._call("post", path, idempotency_key=key, **changes)

    def release_schedule(self, schedule_id: str, *, key: str) -> StripeObject:
        """End the schedule. Its subscription continues as it is."""
        path = f"/v1/subscription_schedules/{quote(schedule_id, safe='')}/release"
        return self._call("post", path, idempotency_key=key)

    def subscription_items(self, subscription_id: str) -> StripeObject:
        """Return Stripe's list of all items, as a subscription contains it. There are at most 20."""
        return self._call("get", "/v1/subscription_items", subscription=subscription_id, limit=MAX_PAGE_SIZE)

    def price(self, price_id: str) -> StripeObject:
        """Return the price, with its product and its amounts in other currencies inside."""
        path = f"/v1/prices/{quote(price_id, safe='')}"
        return self._call("get", path, expand=["product", "currency_options"])

    def subscriptions(self, *, after: str, limit: int) -> StripeObject:
        """Return the page of all subscriptions that follows the one with the ID ``after``, newest first.

        Stripe leaves out those that were canceled.
        """
        return self._page("/v1/subscriptions", after, limit)

    def invoice(self, invoice_id: str) -> StripeObject:
        """Return the invoice, with links to its page and its PDF that have just been renewed."""
        return self._call("get", f"/v1/invoices/{quote(invoice_id, safe='')}")

    def charge(self, charge_id: str) -> StripeObject:
        return self._call("get", f"/v1/charges/{quote(charge_id, safe='')}")

    def charge_of_intent(self, payment_intent: str) -> StripeObject:
        """Return the newest charge of the payment intent, or an empty object if it has none."""
        found = self._call("get", f"/v1/payment_intents/{quote(payment_intent, safe='')}", expand=["latest_charge"])
        return found.inner("latest_charge")

    def create_checkout_session(self, *, key: str, **parameters: Any) -> StripeObject:
        return self._call("post", "/v1/checkout/sessions", idempotency_key=key, **parameters)

    def checkout_session(self, session_id: str) -> StripeObject:
        return self._call("get", f"/v1/checkout/sessions/{quote(session_id, safe='')}")

    def open_checkout_sessions(self, customer_id: str) -> list[str]:
        """Return the ids of the customer's open sessions."""
        parameters = {"customer": customer_id, "status": "open", "limit": MAX_PAGE_SIZE}
        return [session.id for session in self._call("get", "/v1/checkout/sessions", **parameters).objects("data")]

    def expire_checkout_session(self, session_id: str) -> None:
        """Close an open session. Stripe refuses this for any other."""
        self._call("post", f"/v1/checkout/sessions/{quote(session_id, safe='')}/expire")

    def create_portal_session(self, *, customer: str, return_url: str, **flow: Any) -> StripeObject:
        """Return a session of the customer portal, whose page can be opened for some minutes.

        ``flow_data`` makes the page start with one task, such as a new card.
        """
        return self._call("post", "/v1/billing_portal/sessions", customer=customer, return_url=return_url, **flow)

    def _page(self, path: str, after: str, limit: int) -> StripeObject:
        cursor = {"starting_after": after} if after else {}
        return self._call("get", path, limit=limit, **cursor)

    def _call(self, method: str, path: str, **parameters: Any) -> StripeObject:
        import stripe  # noqa: PLC0415

        try:
            response = self._client.raw_request(method, path, **parameters).data
        except stripe.StripeError as error:
            refusal = billing_error_from(error, path)
        else:
            if isinstance(response, dict) and (StripeObject(response).id or "data" in response):
                return StripeObject(response)
            logger.error("Stripe's response to %s %s does not match its documentation.", method.upper(), path)
            refusal = StripeUnavailable()
        # Raised outside the except block, so that no traceback contains Stripe's exception, which holds the request.
        raise refusal


def billing_error_from(error: "stripe.StripeError", path: str) -> BillingError:
    """Return the error for the caller, and log one for staff, without the API key and without what a person entered."""
    status = error.http_status or 0
    details = StripeObject(error.json_body if isinstance(error.json_body, dict) else {}).inner("error")
    kind, code = details.text("type"), details.text("code")
    # Stripe responds with 409 (a concurrent request) and 429 (too many) to requests that can succeed later.
    is_refusal = 400 <= status < 500 and status not in (409, 429) and code != "rate_limit"
    if not is_refusal:
        logger.warning("Stripe is unavailable (%s): %s", path, description_of(error, details))
        return StripeUnavailable(retry_after(error.headers or {}), is_replayed=status >= 500 and bool(details))
    if status == 402:  # the person's card, which staff can't fix
        logger.warning("Stripe refused %s: %s", path, description_of(error, details))
    elif kind != "idempotency_error":  # expected if a person changes something between two clicks
        logger.error("Stripe refused %s: %s", path, description_of(error, details))
    return StripeRefused(
        status=status,
        missing=details.text("param") if code == "resource_missing" else "",
        is_key_reused=kind == "idempotency_error",
        stripe_code=details.text("decline_code")
        if details.text("decline_code") in ("authentication_required",)
        else code,
    )


def description_of(error: "stripe.StripeError", details: StripeObject) -> str:
    """Return what Stripe's response says in one line. Its message is left out if it repeats what a person entered."""
    if not error.http_status:
        return redact(str(error.user_message or ""), [settings.STRIPE_SECRET_KEY])
    message, parameter = details.text("message"), details.text("param")
    if parameter in PERSONAL_PARAMETERS or "@" in message:
        message = "the message contains personal data and is omitted"
    facts = (details.text("type"), details.text("code"), parameter, f"request {error.request_id or 'unknown'}", message)
    return redact(f"{error.http_status} " + ", ".join(filter(None, facts)), [settings.STRIPE_SECRET_KEY])
