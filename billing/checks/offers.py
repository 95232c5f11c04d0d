"""What is wrong with settings/plans.py, in words: every entry and every price is checked at startup."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from babel.numbers import list_currencies
from django.conf import settings
from django.utils.functional import Promise

from billing.plans import PRICE_FIELDS, prices_in
from billing.services.orders import MAX_QUANTITY
from common.money import SHOWN_WHOLE, THREE_DECIMALS

SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
INTERVALS = ("day", "week", "month", "year")
MAX_INTERVALS = {"day": 1095, "week": 156, "month": 36, "year": 3}  # three years, Stripe's limit
MAX_TRIAL_DAYS = 730  # Stripe's limit
MAX_AMOUNT = 999_999_999_999  # the highest of Stripe's limits, which depend on the currency
MAX_NAME, MAX_ID = 250, 255
CURRENCIES = frozenset(code.lower() for code in list_currencies("en"))

# A test, and in words what it accepts.
Rule = tuple[Callable[[Any], bool], str]


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_short_text(value: object) -> bool:
    return is_text(value) and len(str(value)) <= MAX_NAME


def is_price_id(value: object) -> bool:
    """Return whether the value can be a price's ID. A product's is the usual mistake."""
    is_id = isinstance(value, str) and bool(re.fullmatch(r"[!-~]+", value)) and len(value) <= MAX_ID
    return is_id and not str(value).startswith("prod_")


def is_list_of(is_valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(map(is_valid, value))


def is_label(value: object) -> bool:
    """Return whether the value is a text, translatable or not. A translated plural needs a number, and has no text."""
    try:
        return isinstance(value, str | Promise) and isinstance(str(value), str)
    except (KeyError, TypeError, ValueError):
        return False


def is_filled_label(value: object) -> bool:
    return is_label(value) and bool(str(value).strip())


def is_number(value: object, minimum: int = 0, maximum: int | None = None) -> bool:
    return type(value) is int and value >= minimum and (maximum is None or value <= maximum)


def is_seats(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, Mapping) or value.keys() - {"minimum", "maximum"}:
        return False
    minimum, maximum = value.get("minimum", 1), value.get("maximum")
    is_bounded = is_number(minimum, 1, MAX_QUANTITY)
    return is_bounded and (maximum is None or is_number(maximum, minimum, MAX_QUANTITY))


def is_limits(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        is_text(name) and (limit is None or is_number(limit, 0, MAX_AMOUNT)) for name, limit in value.items()
    )


OFFER: Mapping[str, Rule] = {
    "slug": (
        lambda value: isinstance(value, str) and bool(SLUG.fullmatch(value)),
        "lowercase letters, digits, - and _",
    ),
    "name": (is_short_text, "a non-empty string"),
    "description": (is_label, "a string"),
    "former_price_ids": (is_list_of(is_price_id), "a list of price IDs"),
}
PLAN: Mapping[str, Rule] = {
    **OFFER,
    "features": (is_list_of(is_filled_label), "a list of strings"),
    "limits": (is_limits, 'a dictionary such as {"projects": 3}; None means no limit'),
    "is_highlighted": (lambda value: isinstance(value, bool), "True or False"),
    "trial_days": (lambda value: is_number(value, 0, MAX_TRIAL_DAYS), f"a whole number from 0 to {MAX_TRIAL_DAYS}"),
    "trial_requires_card": (lambda value: isinstance(value, bool), "True or False"),
    "trial_without_card": (lambda value: value in ("cancel", "pause"), "'cancel' or 'pause'"),
    "seats": (is_seats, 'None, or a dictionary such as {"minimum": 1, "maximum": 50}'),
}
ONE_TIME_PRICE: Mapping[str, Rule] = {
    "id": (is_price_id, "the ID of a price at Stripe, price_…, and not that of a product"),
    "amount": (lambda value: is_number(value, 0, MAX_AMOUNT), "a whole number of minor units, such as 2900"),
    "currency": (
        lambda value: isinstance(value, str) and value in CURRENCIES,
        "the three lowercase letters of a currency, such as usd",
    ),
}
PRICE: Mapping[str, Rule] = {
    **ONE_TIME_PRICE,
    "interval": (lambda value: value in INTERVALS, f"one of {', '.join(INTERVALS)}"),
    "interval_count": (lambda value: is_number(value, 1, max(MAX_INTERVALS.values())), "a whole number from 1"),
}
REQUIRED = ("slug", "name", "id", "amount", "currency", "interval")


def problems_of_offers() -> Iterator[str]:
    """Yield what is wrong with the three lists. Duplicates are looked for once each entry is complete."""
    lists = (
        ("BILLING_PLANS", "Plan", PLAN, PRICE),
        ("BILLING_ADD_ONS", "Add-on", OFFER, PRICE),
        ("BILLING_PRODUCTS", "Product", OFFER, ONE_TIME_PRICE),
    )
    problems = [
        problem
        for setting, what, fields, price_fields in lists
        for problem in problems_of_list(setting, what, fields, price_fields)
    ]
    yield from problems or problems_between_offers()


def problems_of_list(
    setting: str, what: str, fields: Mapping[str, Rule], price_fields: Mapping[str, Rule]
) -> Iterator[str]:
    entries = getattr(settings, setting)
    if not isinstance(entries, list | tuple):
        yield f"{setting} is not a list."
        return
    for number, entry in enumerate(entries, start=1):
        name = f"{what} {number}"
        if not isinstance(entry, Mapping):
            yield f"{name} is not a dictionary."
            continue
        yield from problems_of_offer(name, entry, fields, price_fields)
        if what != "Plan" and not any(field in entry for field in ("prices", "price_id")):
            yield f"{name} is missing 'prices'."


def problems_of_offer(
    name: str, entry: Mapping[str, Any], fields: Mapping[str, Rule], price_fields: Mapping[str, Rule]
) -> Iterator[str]:
    is_flat = any(field in entry for field in ("price_id", *PRICE_FIELDS))
    if is_flat and "prices" in entry:
        yield f"{name} has both 'prices' and the fields of a single price. Keep one of them."
        return
    own = {field: value for field, value in entry.items() if field not in ("price_id", "prices", *PRICE_FIELDS)}
    yield from problems_of_fields(name, own, fields)
    if is_flat:
        flat = {field: entry[field] for field in ("price_id", *PRICE_FIELDS) if field in entry}
        renamed = {"price_id" if field == "id" else field: rule for field, rule in price_fields.items()}
        yield from problems_of_fields(name, flat, renamed)
        return
    prices = entry.get("prices", ())
    if not isinstance(prices, list | tuple):
        yield f"{name}: 'prices' must be a list."
        return
    for number, price in enumerate(prices, start=1):
        if isinstance(price, Mapping):
            yield from problems_of_fields(f"{name}, price {number}", price, price_fields)
        else:
            yield f"{name}, price {number} is not a dictionary."


def problems_of_fields(name: str, values: Mapping[str, Any], fields: Mapping[str, Rule]) -> Iterator[str]:
    for field in values.keys() - fields.keys():
        yield f"{name} has an unknown field {field!r}."
    for field, (is_valid, accepted) in fields.items():
        if field not in values and field in (*REQUIRED, "price_id"):
            yield f"{name} is missing {field!r}."
        elif field in values and not is_valid(values[field]):
            yield f"{name}: {field!r} must be {accepted}."


def problems_between_offers() -> Iterator[str]:
    lists = {
        "plans": settings.BILLING_PLANS,
        "add-ons": settings.BILLING_ADD_ONS,
        "products": settings.BILLING_PRODUCTS,
    }
    for what, entries in lists.items():
        yield from used_twice("slug", [entry["slug"] for entry in entries], what)
        for entry in entries:
            yield from problems_between_prices(entry)
    everything = [entry for entries in lists.values() for entry in entries]
    prices = [price for entry in everything for price in {*ids_of(entry)}]
    yield from used_twice("price", prices, "plans" if everything == lists["plans"] else "entries")
    yield from problems_between_plans(lists["plans"])


def problems_between_plans(plans: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    free = [plan for plan in plans if not prices_in(plan)]
    if len(free) > 1:
        yield "More than one plan is free (it has no prices), but only one can be everybody's plan."
    for plan in free:
        if plan.get("trial_days"):
            yield f"{plan['slug']!r} has a trial, but it is free: it has no prices."
    names = {name for plan in plans for name in plan.get("limits", {})}
    for plan in plans:
        for name in sorted(names - plan.get("limits", {}).keys()):
            yield f"{plan['slug']!r} doesn't have the limit {name!r}, which other plans have. None means no limit."


def problems_between_prices(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong between the prices of one entry: people choose a price by its interval."""
    prices = prices_in(entry)
    periods = [(price.get("interval", ""), price.get("interval_count", 1)) for price in prices]
    for (interval, count), times in Counter(periods).items():
        if times > 1:
            yield f"{entry['slug']!r} has {times} prices for every {count} {interval or 'sale'}."
        elif count > MAX_INTERVALS.get(interval, 1):
            yield f"{entry['slug']!r} has a period of {count} {interval}s, but Stripe allows at most three years."
    for price in prices:
        step = smallest_step(price["currency"])
        if price["amount"] % step:
            yield f"{entry['slug']!r}: in {price['currency']}, amounts are multiples of {step}, not {price['amount']}."
    if len({price["currency"] for price in prices}) > 1:
        yield f"{entry['slug']!r} has prices in several currencies. Use one plan for each."


def smallest_step(currency: str) -> int:
    """Return the smallest difference between two amounts: https://docs.stripe.com/currencies#special-cases"""
    code = currency.upper()
    return 100 if code in SHOWN_WHOLE else 10 if code in THREE_DECIMALS else 1


def ids_of(entry: Mapping[str, Any]) -> list[str]:
    return [*(price["id"] for price in prices_in(entry)), *entry.get("former_price_ids", ())]


def used_twice(field: str, values: Sequence[str], what: str) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"The {field} {value!r} is used by {count} {what}."
