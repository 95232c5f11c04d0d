"""What emails, pages, and the API say about money, and what a set of events proves. Works on raw events only."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from accounts.tests.support.browser import text_of
from common.money import format_amount

MONEY = re.compile(r"-?(?:[A-Z]{3} |[A-Z]{0,2}[$€¥£])\d[\d,]*(?:\.\d+)?")
DATE = re.compile(r"[A-Z][a-z]+\.? \d{1,2}, \d{4}")
AMOUNT_FIELDS = ("amount", "amount_due", "amount_paid", "amount_refunded", "amount_total", "total", "unit_amount")


def day(seconds: int) -> str:
    """Return a time of Stripe's as the day that people read."""
    return date_format(timezone.localtime(datetime.fromtimestamp(seconds, UTC)), "DATE_FORMAT")


def day_of(text: str) -> str:
    """Return a time in the API's answer as the day that people read."""
    return date_format(timezone.localtime(datetime.fromisoformat(text)), "DATE_FORMAT")


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects in an event, however deep."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects_in(item)


def dates_in(value: Any) -> set[str]:
    """Return all times in an event as days, formatted as for people."""
    numbers = (item for found in objects_in(value) for item in found.values())
    return {day(item) for item in numbers if type(item) is int and 10**9 <= item < 4 * 10**9}


def amounts_in(events: Iterable[dict[str, Any]]) -> set[str]:
    """Return all amounts in the events, and the sums of items and subscriptions, formatted as for people."""
    found: set[str] = set()
    for event in events:
        data = event["data"]["object"]
        currency = data.get("currency") or "usd"
        for item in objects_in(data):
            values = [item.get(name) for name in AMOUNT_FIELDS]
            own = item.get("currency") or currency
            found |= {format_amount(value, own) for value in values if type(value) is int}
        if data["object"] == "subscription":
            sums = [row["price"]["unit_amount"] * row["quantity"] for row in data["items"]["data"]]
            found |= {format_amount(value, currency) for value in (*sums, sum(sums))}
    return found | {amount.removeprefix("-") for amount in found}


def prices_of(subscription: dict[str, Any]) -> list[str]:
    return [row["price"]["id"] for row in subscription["items"]["data"]]


def plan_names(prices: Iterable[str]) -> list[str]:
    """Return the names of the plans of these prices, from the settings, in the order of the prices."""
    names = {plan["price_id"]: plan["name"] for plan in settings.BILLING_PLANS}
    return [names[price] for price in prices if price in names]


def offers() -> set[str]:
    """Return the prices of all plans, which pages may always name."""
    return {format_amount(plan["amount"], plan["currency"]) for plan in settings.BILLING_PLANS}


def pages_of(user: User) -> dict[str, str]:
    """Return the text of the pages that speak about money."""
    client = Client()
    client.force_login(user)
    return {path: text_of(client.get(path)) for path in ("/billing", "/dashboard")}
