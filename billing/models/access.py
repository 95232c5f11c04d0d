"""The condition for access, for queries. ``Subscription.gives_access`` says the same about one row."""

import json
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.db.models.lookups import Contains
from django.utils import timezone

from billing.models import grace
from billing.models.suspensions import not_suspended
from billing.plans import known_price_ids

# It is our policy that access continues while Stripe retries a failed card.
WITH_ACCESS = ("active", "trialing", "past_due")
# Stripe's own events and answers come first. Only if they don't, the clock decides.
EVENT_DELAY = timedelta(hours=3)


def has_access() -> Q:
    """Return the condition for subscriptions that give access now."""
    has_price = has_any_price(known_price_ids())
    condition = Q(status__in=WITH_ACCESS) & has_price & grace.has_grace() & not_suspended()
    if settings.STRIPE_SECRET_KEY:
        return condition  # Stripe is asked soon after each date, and only its answer is certain
    now = timezone.now()
    is_abandoned = Q(status="trialing", trial_end__lte=now - EVENT_DELAY) & ~Q(without_card="")
    return condition & (Q(cancel_at=None) | Q(cancel_at__gt=now)) & ~is_abandoned


def has_any_price(price_ids: Sequence[str]) -> Q:
    """Return the condition for subscriptions that have an item with one of the prices."""
    condition = Q(price_id__in=price_ids)
    for price_id in price_ids:
        # Both databases write a JSON column as text in this form. Only PostgreSQL can look into its arrays.
        pair = json.dumps({"price_id": price_id})[1:-1]
        condition |= Q(Contains(Cast("items", TextField()), pair))
    return condition
