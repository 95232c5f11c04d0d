"""What is sold in the tests of changes. It imports nothing, so that a settings module can import it."""

from typing import Any

PLANS: list[dict[str, Any]] = [
    {"slug": "free", "name": "Free", "prices": []},
    {
        "slug": "pro",
        "name": "Pro",
        "prices": [
            {"id": "price_pro", "amount": 2900, "currency": "usd", "interval": "month"},
            {"id": "price_pro_year", "amount": 29000, "currency": "usd", "interval": "year"},
        ],
        "former_price_ids": ("price_pro_2020",),
    },
    {
        "slug": "team",
        "name": "Team",
        "seats": {"minimum": 2, "maximum": 50},
        "prices": [
            {"id": "price_team", "amount": 1900, "currency": "usd", "interval": "month"},
            {"id": "price_team_year", "amount": 19000, "currency": "usd", "interval": "year"},
        ],
    },
    {
        "slug": "later",
        "name": "Later",
        "prices": [{"id": "price_change_me", "amount": 9900, "currency": "usd", "interval": "month"}],
    },
    {
        "slug": "euro",
        "name": "Euro",
        "prices": [{"id": "price_euro", "amount": 9900, "currency": "eur", "interval": "month"}],
    },
]
ADD_ONS: list[dict[str, Any]] = [
    {
        "slug": "backup",
        "name": "Backup",
        "prices": [{"id": "price_backup", "amount": 500, "currency": "usd", "interval": "month"}],
    }
]
