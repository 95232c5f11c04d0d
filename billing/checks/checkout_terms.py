"""What is wrong with BILLING_CHECKOUT in settings/plans.py, in words."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings

from billing.services.locales import AUTO, LOCALES


def is_language(value: object) -> bool:
    return value in ("person", AUTO, *LOCALES.split())


def is_switch(value: object) -> bool:
    return isinstance(value, bool)


SWITCH = (is_switch, "True or False")
TERMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "language": (is_language, f"'person', 'auto', or one of Stripe's languages: {LOCALES}"),
    "adjustable_quantity": SWITCH,
    "promotion_codes": SWITCH,
    "automatic_tax": SWITCH,
    "tax_ids": SWITCH,
    "billing_address": (lambda value: value in ("auto", "required"), "'auto' or 'required'"),
}


def problems_of_terms() -> Iterator[str]:
    terms = settings.BILLING_CHECKOUT
    if not isinstance(terms, Mapping):
        yield "BILLING_CHECKOUT is not a dictionary."
        return
    for name in terms.keys() - TERMS.keys():
        yield f"BILLING_CHECKOUT has an unknown field {name!r}."
    for name, (is_valid, accepted) in TERMS.items():
        if name not in terms:
            yield f"BILLING_CHECKOUT is missing {name!r}."
        elif not is_valid(terms[name]):
            yield f"BILLING_CHECKOUT: {name!r} must be {accepted}."
