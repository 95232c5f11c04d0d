"""What you sell: plans, add-ons, and products that are paid once. ``manage.py check`` names mistakes.

A price needs its ID at Stripe (in the Dashboard, under the product; test mode and live mode have different ones), and
says what your pages show: Stripe charges its own price. ``amount`` is in the currency's smallest unit: 2900 is $29.00.
``interval`` is day, week, month, or year, and ``interval_count`` 3 makes a month a quarter.

The fields of a plan:

- ``slug``: how your code names it: ``user_has_plan(user, "pro")``. Don't change it later.
- ``name``, ``description``, ``features``: texts on the page. ``_()`` makes them translatable; bin/messages adds them to
  the German catalog.
- ``prices``: one for each interval. A plan without prices is free, and everyone has it who has no other plan.
- ``limits``: numbers that your code asks for: ``limit_of(user, "projects")``. None means no limit.
- ``is_highlighted``: the plan that the page recommends.
- ``trial_days``, ``trial_requires_card``: a trial, once per person.
- ``seats``: the plan is priced per person: ``{"minimum": 2, "maximum": 50}``. Without a maximum, there is no limit.
- ``former_price_ids``: prices that you no longer sell. People who still pay them keep the plan.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

BILLING_PLANS: list[dict[str, Any]] = [
    {
        "slug": "free",
        "name": "Free",
        "description": _("To try it out, for as long as you like."),
        "features": [_("One project"), _("Help by email")],
        "limits": {"projects": 1},
        "prices": [],
    },
    {
        "slug": "pro",
        "name": "Pro",
        "description": _("Everything, for one person."),
        "features": [_("Any number of projects"), _("Help within a day")],
        "limits": {"projects": None},
        "is_highlighted": True,
        "trial_days": 14,
        "trial_requires_card": False,
        "prices": [
            {"id": "price_change_me", "amount": 2900, "currency": "usd", "interval": "month"},
            {"id": "price_change_me_yearly", "amount": 29000, "currency": "usd", "interval": "year"},
        ],
        "former_price_ids": (),
    },
    {
        "slug": "team",
        "name": "Team",
        "description": _("Everything, for your whole team."),
        "features": [_("Any number of projects"), _("A seat for each person"), _("Help within an hour")],
        "limits": {"projects": None},
        "seats": {"minimum": 2, "maximum": 100},
        "prices": [
            {"id": "price_change_me_team", "amount": 1900, "currency": "usd", "interval": "month"},
            {"id": "price_change_me_team_yearly", "amount": 19000, "currency": "usd", "interval": "year"},
        ],
        "former_price_ids": (),
    },
]

# Extras for a plan, charged together with it. Each needs a price for every interval that your plans have.
BILLING_ADD_ONS: list[dict[str, Any]] = []

# Paid once: {"slug": "book", "name": "The book", "prices": [{"id": "price_…", "amount": 3900, "currency": "usd"}]}
BILLING_PRODUCTS: list[dict[str, Any]] = []
