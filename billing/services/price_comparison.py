"""Whether the prices at Stripe are those in settings/plans.py. Asked for by a command and once a day, never at startup.

A system check can't know whether an ID exists, and a wrong one would otherwise show in the first customer's checkout.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta

from billing.errors import StripeRefused, StripeUnavailable
from billing.gateway.api import StripeApi
from billing.payloads import StripeObject
from billing.plans import Offer, Price, all_add_ons, all_plans, all_products
from common.money import format_amount

logger = logging.getLogger(__name__)

TIMEOUT = timedelta(seconds=60)  # for all calls together
ONCE = "once"


def log_problems() -> None:
    """Log an error for each problem. If Stripe can't be asked, the next day is soon enough."""
    try:
        for problem in problems_at_stripe():
            logger.error("%s", problem)
    except (StripeUnavailable, StripeRefused) as error:
        logger.warning("The prices in settings/plans.py couldn't be compared with Stripe: %s", error)


def problems_at_stripe() -> Iterator[str]:
    """Yield a sentence for each price that Stripe doesn't know, doesn't sell, or knows with other values.

    Raises ``PaymentsNotSetUp``, ``StripeUnavailable``, or ``StripeRefused`` if Stripe can't be asked at all.
    """
    api = StripeApi(TIMEOUT)
    for offer in all_offers():
        for price in offer.prices:
            for problem in problems_of(api, price):
                yield f"{offer.name}, {title_of(price)}: {problem}"
        for price_id in offer.former_price_ids:
            if price_at_stripe(api, price_id) is None:
                yield f"{offer.name}, former price {price_id}: {unknown()}"


def all_offers() -> Sequence[Offer]:
    return [*all_plans(), *all_add_ons(), *all_products()]


def title_of(price: Price) -> str:
    return f"{price.display_amount} {period_of(price.interval, price.interval_count)} ({price.id})"


def period_of(interval: str, count: int | None) -> str:
    if not interval:
        return ONCE
    return f"every {interval}" if count == 1 else f"every {count} {interval}s"


def problems_of(api: StripeApi, price: Price) -> Iterator[str]:
    if price.is_placeholder:
        yield "the ID is still a placeholder."
        return
    found = price_at_stripe(api, price.id)
    if found is None:
        yield unknown()
        return
    if not found.is_true("active"):
        yield "it is archived at Stripe, so nobody can buy it."
    elif found.inner("product").data.get("active") is False:
        yield "its product is archived at Stripe, so nobody can buy it."
    yield from differences(price, found)


def price_at_stripe(api: StripeApi, price_id: str) -> StripeObject | None:
    """Return the price with its product, or None if Stripe doesn't know it in the key's mode."""
    try:
        return api.price(price_id)
    except StripeRefused as error:
        if error.is_key_rejected or not error.missing:
            raise
        return None


def unknown() -> str:
    return "Stripe has no price with this ID in the mode of STRIPE_SECRET_KEY. Test mode and live mode have other IDs."


def differences(price: Price, found: StripeObject) -> Iterator[str]:
    period = found.inner("recurring")
    at_stripe = period_of(period.text("interval"), period.known_integer("interval_count")) if period else ONCE
    expected = period_of(price.interval, price.interval_count)
    if at_stripe != expected:
        yield f"settings/plans.py says {expected}, but Stripe charges it {at_stripe}."
    if found.currency() != price.currency:
        yield f"settings/plans.py says {price.currency}, but the currency at Stripe is {found.currency() or 'unknown'}."
    elif (is_metered := period.text("usage_type") == "metered") or found.text("billing_scheme") == "tiered":
        yield f"Stripe charges it {'by usage' if is_metered else 'in tiers'}, which settings/plans.py can't describe."
    elif (amount := found.known_integer("unit_amount")) != price.amount:
        actual = "no whole amount" if amount is None else format_amount(amount, price.currency)
        yield f"settings/plans.py says {price.display_amount}, but the amount at Stripe is {actual}."
