"""What you sell. The price ids are in Stripe's Dashboard, under the product; test mode and live mode have their own.

``amount`` is what the page shows before Stripe's own page does, in the currency's smallest unit: 2900 is 29.00 USD.
Of a price that you stop selling keep the id in ``former_price_ids``: people who pay it still have the plan.
"""

from typing import Any

BILLING_PLANS: list[dict[str, Any]] = [
    {
        "slug": "pro",
        "name": "Pro",
        "description": "Everything, for one person.",
        "price_id": "price_change_me",
        "amount": 2900,
        "currency": "usd",
        "interval": "month",
        "former_price_ids": (),
    },
    {
        "slug": "team",
        "name": "Team",
        "description": "Everything, for your whole team.",
        "price_id": "price_change_me_too",
        "amount": 9900,
        "currency": "usd",
        "interval": "month",
        "former_price_ids": (),
    },
]
