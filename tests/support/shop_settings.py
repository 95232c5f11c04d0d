"""The settings of the site in tests, with a key and with prices that aren't placeholders, so that buttons are shown."""

from tests.support.site_settings import *  # noqa: F403
from tests.support.site_settings import BILLING_PLANS

for _plan in BILLING_PLANS:
    for _price in _plan["prices"]:
        _price["id"] = f"price_of_{_plan['slug']}_{_price['interval']}"

BILLING_ADD_ONS = [
    {
        "slug": "backups",
        "name": "Backups",
        "prices": [
            {"id": "price_backups", "amount": 500, "currency": "usd", "interval": "month"},
            {"id": "price_backups_year", "amount": 5000, "currency": "usd", "interval": "year"},
        ],
    }
]
BILLING_PRODUCTS = [
    {"slug": "book", "name": "The book", "prices": [{"id": "price_book", "amount": 3900, "currency": "usd"}]}
]
