"""What settings/plans.py may contain, but is rarely meant."""

from collections.abc import Iterator

from billing.plans import Plan, Price, all_add_ons, all_plans, all_products

# Stripe's smallest charges, in minor units: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
SMALLEST_CHARGES = {
    **dict.fromkeys(("usd", "aud", "brl", "cad", "chf", "eur", "inr", "jpy", "nzd", "sgd"), 50),
    "aed": 200,
    "czk": 1500,
    "dkk": 250,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "thb": 1000,
}


def doubts_about_offers() -> Iterator[str]:
    """Yield a sentence for each doubt. The settings must be free of mistakes (offers.py)."""
    yield from doubts_about_add_ons()
    if sum(plan.is_highlighted for plan in all_plans()) > 1:
        yield "More than one plan is highlighted."
    for offer in (*all_plans(), *all_products()):
        seats = offer.seats if isinstance(offer, Plan) else None
        for price in offer.prices:
            charge = price.amount * (seats.minimum if seats else 1)
            if 0 < charge < SMALLEST_CHARGES.get(price.currency, 0):
                yield f"{offer.name} costs {price.display_amount}, which is less than Stripe can charge."


def doubts_about_add_ons() -> Iterator[str]:
    sold = {period_of(price) for plan in all_plans() for price in plan.prices}
    for add_on in all_add_ons():
        own = {period_of(price) for price in add_on.prices}
        currencies = {currency for _, _, currency in own}
        for interval, count, currency in sorted(sold - own):
            if currency in currencies:
                yield f"The add-on {add_on.slug!r} has no price for every {count} {interval}, which a plan has."
        if not own & sold:
            yield f"The add-on {add_on.slug!r} can't be bought, because no plan has its intervals and currency."


def period_of(price: Price) -> tuple[str, int, str]:
    return price.interval, price.interval_count, price.currency
