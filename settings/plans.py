"""The plans that you sell.

- ``price_id``: in Stripe's Dashboard, under the product. Test mode and live mode have different prices.
- ``amount``: the price on your page, in the currency's smallest unit: 2900 is $29.00. Stripe charges its own price.
- ``description``: one sentence on the page. ``_()`` makes it translatable; bin/messages adds it to the German catalog.
- ``former_price_ids``: prices that you no longer sell. People who still pay them keep the plan.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

BILLING_PLANS: list[dict[str, Any]] = [
    {
        "slug": "pro",
        "name": "Pro",
        "description": _("Everything, for one person."),
        "price_id": "price_change_me",
        "amount": 2900,
        "currency": "usd",
        "interval": "month",
        "former_price_ids": (),
    },
    {
        "slug": "team",
        "name": "Team",
        "description": _("Everything, for your whole team."),
        "price_id": "price_change_me_too",
        "amount": 9900,
        "currency": "usd",
        "interval": "month",
        "former_price_ids": (),
    },
]
