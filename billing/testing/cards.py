"""Cards and the preview of the next invoice, with the fields in Stripe's documentation."""

from datetime import UTC, datetime
from typing import Any

from billing.testing import invoices
from billing.testing.scenario import DAY, Data, Scenario, new_id


def expiring(scenario: Scenario) -> Data:
    """Return the month in which the sample card expires: the current one."""
    now = datetime.fromtimestamp(scenario.now, UTC)
    return {"exp_month": now.month, "exp_year": now.year}


def payment_method(scenario: Scenario, **values: Any) -> Data:
    """Return a card that belongs to the customer; ``values`` replace its fields."""
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "billing_details": {"address": None, "email": scenario.email, "name": scenario.name, "phone": None},
        "card": {"brand": "visa", "country": "US", "funding": "credit", "last4": "4242", **expiring(scenario)},
        "created": scenario.now,
        "customer": scenario.customer,
        "livemode": scenario.livemode,
        "metadata": scenario.metadata,
        "type": "card",
        **values,
    }


def detached_payment_method(scenario: Scenario) -> Data:
    return payment_method(scenario, customer=None)


def card(scenario: Scenario) -> Data:
    """Return a card in the form from before payment methods."""
    return {
        "id": new_id("card"),
        "object": "card",
        "brand": "Visa",
        "country": "US",
        "customer": scenario.customer,
        "funding": "credit",
        "last4": "4242",
        "metadata": scenario.metadata,
        "name": scenario.name,
        **expiring(scenario),
    }


def upcoming_invoice(scenario: Scenario) -> Data:
    """Return the preview of the invoice that renews the subscription in a week. It has no ID."""
    in_a_week = scenario.now + 7 * DAY
    preview = invoices.invoice(
        scenario,
        attempt_count=0,
        attempted=False,
        billing_reason="upcoming",
        hosted_invoice_url=None,
        invoice_pdf=None,
        next_payment_attempt=in_a_week + 3600,
        number=None,
        period_end=in_a_week,
        status="draft",
    )
    del preview["id"]
    return preview
