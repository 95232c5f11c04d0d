"""Amounts in a currency other than ours."""

from billing.payloads.objects import StripeObject
from common.money import Amount


def presented_amount(data: StripeObject) -> Amount | None:
    """Return what the buyer saw and paid if that was in their own currency (Stripe's adaptive pricing), else None."""
    details = data.inner("presentment_details")
    currency = details.currency("presentment_currency")
    return Amount(details.integer("presentment_amount"), currency) if currency else None
