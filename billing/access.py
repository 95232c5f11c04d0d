"""Access checks for the rest of the product: who may use what they pay for. Each makes one query.

if user_has_plan(request.user, "pro"): …

class ReportView(APIView):
    permission_classes = [IsAuthenticated, HasPlan("pro", "team")]

A name that isn't in settings/plans.py raises ``LookupError``: a misspelled one would lock everybody out. Visitors have
nothing, not even the free plan.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from billing.models import Payment, Subscription
from billing.plans import (
    AnyOffer,
    Plan,
    add_on_by_slug,
    all_plans,
    free_plan,
    plan_by_slug,
    product_by_slug,
)

Person = User | AnonymousUser


def user_has_plan(user: Person, slug: str) -> bool:
    """Return whether the user has access to this plan now, at its current price or a former one.

    A plan without prices is the plan of every user who has no other.
    """
    plan = known(plan_by_slug(slug), "plan", slug)
    return any(plan.slug == found.slug for found in plans_of(user))


def user_has_subscription(user: Person) -> bool:
    """Return whether a subscription to any plan in settings/plans.py gives the user access now."""
    return user.pk is not None and Subscription.objects.of(user.pk).with_access().exists()


def plan_of(user: Person) -> Plan | None:
    """Return the plan of the newest subscription with access, or the free plan, or None if there isn't one."""
    return next(iter(plans_of(user)), None)


def limit_of(user: Person, name: str) -> int | None:
    """Return a limit of the user's plan, or None if it has none. With several plans, the most generous one counts.

    Without a plan, the limit is 0.
    """
    if not any(name in plan.limits for plan in all_plans()):
        raise LookupError(f"settings/plans.py has no plan with the limit {name!r}.")
    limits = [known_limit(plan, name) for plan in plans_of(user)]
    return None if None in limits else max((limit for limit in limits if limit is not None), default=0)


def seats_of(user: Person) -> int:
    """Return how many people may use what the user has: the seats that are paid for, else 1. Visitors have 0.

    A number that Stripe hasn't reported yet counts as the plan's minimum.
    """
    if user.pk is None:
        return 0
    items = [item for subscription in running(user) for item in subscription.bought_items]
    seats = [(plan.seats, item.quantity) for item in items if (plan := item.plan)]
    paid_for = sum(rule.minimum if count is None else count for rule, count in seats if rule)
    return max(paid_for, 1)


def user_has_add_on(user: Person, slug: str) -> bool:
    """Return whether a subscription that gives access contains this add-on."""
    add_on = known(add_on_by_slug(slug), "add-on", slug)
    return any(item.slug == add_on.slug for sub in running(user) for item in sub.bought_items if item.add_on)


def user_bought(user: Person, slug: str) -> bool:
    """Return whether the user has paid for this product, and hasn't got all of the money back."""
    product = known(product_by_slug(slug), "product", slug)
    if user.pk is None:
        return False
    paid = Payment.objects.of(user.pk).filter(product=product.slug, status=Payment.Status.PAID)
    return paid.with_refunds().exclude(Q(amount__gt=0, refunded__gte=F("amount"))).exists()


def plans_of(user: Person) -> list[Plan]:
    """Return the plans that the user has access to. The newest subscription comes first."""
    if user.pk is None:
        return []
    paid = [plan for subscription in running(user) for plan in subscription.plans]
    free = free_plan()
    return paid or ([free] if free else [])


def running(user: Person) -> Iterable[Subscription]:
    return Subscription.objects.of(user.pk).with_access().order_by("-version") if user.pk is not None else ()


def known_limit(plan: Plan, name: str) -> int | None:
    if name not in plan.limits:
        raise LookupError(f"The plan {plan.slug!r} in settings/plans.py has no limit {name!r}.")
    return plan.limits[name]


def known(offer: AnyOffer | None, kind: str, slug: str) -> AnyOffer:
    if offer is None:
        raise LookupError(f"settings/plans.py has no {kind} with the slug {slug!r}.")
    return offer


class HasActiveSubscription(BasePermission):
    """Refuses users without a subscription: 403 with the code ``subscription_required``."""

    message: Any = {
        "detail": _("You need a subscription for this. Choose a plan on the billing page."),
        "code": "subscription_required",
    }

    def has_permission(self, request: Request, view: APIView) -> bool:
        return user_has_subscription(request.user)


def HasPlan(*slugs: str) -> type[BasePermission]:  # noqa: N802  # used like a class
    """Return a permission class that refuses users who have none of the plans: 403 with ``plan_required``."""

    class Permission(BasePermission):
        message: Any = {
            "detail": _("Your plan doesn't include this. Choose another one on the billing page."),
            "code": "plan_required",
        }

        def has_permission(self, request: Request, view: APIView) -> bool:
            wanted = {known(plan_by_slug(slug), "plan", slug).slug for slug in slugs}
            return not wanted.isdisjoint(plan.slug for plan in plans_of(request.user))

    return Permission


def HasAddOn(slug: str) -> type[BasePermission]:  # noqa: N802
    """Return a permission class that refuses users without the add-on: 403 with ``add_on_required``."""

    class Permission(BasePermission):
        message: Any = {"detail": _("You need an add-on for this."), "code": "add_on_required"}

        def has_permission(self, request: Request, view: APIView) -> bool:
            return user_has_add_on(request.user, slug)

    return Permission


def HasBought(slug: str) -> type[BasePermission]:  # noqa: N802
    """Return a permission class that refuses users who didn't buy the product: 403 with ``product_required``."""

    class Permission(BasePermission):
        message: Any = {"detail": _("You need to buy this first."), "code": "product_required"}

        def has_permission(self, request: Request, view: APIView) -> bool:
            return user_bought(request.user, slug)

    return Permission
