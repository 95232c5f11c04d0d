"""A person gets one trial, whichever plan it is for."""

from django.db.models import Q

from accounts.models import User
from accounts.services.deletion import own_addresses
from billing.models import Erasure, Subscription
from billing.plans import Plan

NEVER_BEGUN = ("incomplete", "incomplete_expired")


def trial_days(user: User, plan: Plan) -> int:
    """Return how many days of trial the user gets with this plan now."""
    return 0 if not plan.trial_days or has_had_trial(user) else plan.trial_days


def has_had_trial(user: User) -> bool:
    """Return whether Stripe reported a trial of the user's, or one of a deleted account with the same address.

    A checkout page that was opened but not completed doesn't count. What others bought with the user's address doesn't
    either, because anybody can type any address at Stripe.
    """
    began = Q(status="trialing") | (~Q(trial_end=None) & ~Q(status__in=NEVER_BEGUN))
    return Subscription.objects.of(user.pk).filter(began).exists() or Erasure.has_trial(own_addresses(user))
