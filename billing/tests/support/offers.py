"""Plans, add-ons, and products for tests, with a price at the stand-in for each."""

from typing import Any

PRO = "price_1SNa2bKq4RtYw2VdPro9Month"  # in the payloads of Stripe's events


def price(
    price_id: str, amount: int, interval: str = "", interval_count: int = 1, currency: str = "usd"
) -> dict[str, Any]:
    period = {"interval": interval, "interval_count": interval_count} if interval else {}
    return {"id": price_id, "amount": amount, "currency": currency, **period}


PLANS: list[dict[str, Any]] = [
    {"slug": "free", "name": "Free", "limits": {"projects": 1}},
    {
        "slug": "pro",
        "name": "Pro",
        "limits": {"projects": 20},
        "prices": [
            price(PRO, 2900, "month"),
            price("price_pro_quarter", 8100, "month", 3),
            price("price_pro_year", 29000, "year"),
        ],
    },
    {
        "slug": "team",
        "name": "Team",
        "limits": {"projects": None},
        "seats": {"minimum": 2, "maximum": 50},
        "prices": [price("price_team", 1900, "month"), price("price_team_year", 19000, "year")],
    },
    {
        "slug": "euro",
        "name": "Euro",
        "limits": {"projects": 2},
        "prices": [price("price_euro", 900, "month", currency="eur")],
    },
]
ADD_ONS: list[dict[str, Any]] = [
    {
        "slug": "backups",
        "name": "Backups",
        "prices": [price("price_backups", 500, "month"), price("price_backups_year", 5000, "year")],
    },
    {"slug": "support", "name": "Support", "prices": [price("price_support", 9900, "year")]},
]
PRODUCTS: list[dict[str, Any]] = [{"slug": "book", "name": "The book", "prices": [price("price_book", 3900)]}]


def sell_everything(settings: Any, stripe_api: Any = None) -> None:
    """Use all of these, and add their prices to the stand-in for Stripe."""
    settings.BILLING_PLANS, settings.BILLING_ADD_ONS, settings.BILLING_PRODUCTS = PLANS, ADD_ONS, PRODUCTS
    for row in (row for offer in [*PLANS, *ADD_ONS, *PRODUCTS] for row in offer.get("prices", ())):
        if stripe_api is not None:
            stripe_api.add_price(
                row["id"], amount=row["amount"], currency=row["currency"], interval=row.get("interval", "")
            )
            if recurring := stripe_api.own_prices[row["id"]]["recurring"]:
                recurring["interval_count"] = row.get("interval_count", 1)
