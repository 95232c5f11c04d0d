"""Access checks for the rest of the product: who may use what they pay for. Each makes one query.

if user_has_plan(request.user, "pro"): …

class ReportView(APIView):
    permission_classes = [IsAuthenticated, HasActiveSubscription]
"""

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from billing.models import Subscription
from billing.plans import plan_by_slug


def user_has_plan(user: User | AnonymousUser, slug: str) -> bool:
    """Return whether the user has access to this plan now, at its current price or a former one.

    Raises ``LookupError`` for a plan that isn't in settings/plans.py: a misspelled one would lock everybody out.
    """
    if (plan := plan_by_slug(slug)) is None:
        raise LookupError(f"settings/plans.py has no plan with the slug {slug!r}.")
    if user.pk is None:
        return False
    return Subscription.objects.of(user.pk).with_access().filter(price_id__in=plan.price_ids).exists()


def user_has_subscription(user: User | AnonymousUser) -> bool:
    """Return whether a subscription to any plan in settings/plans.py gives the user access now."""
    return user.pk is not None and Subscription.objects.of(user.pk).with_access().exists()


class HasActiveSubscription(BasePermission):
    """Refuses users without a subscription: 403 with the code ``subscription_required``."""

    message = {
        "detail": _("You need a subscription for this. Choose a plan on the billing page."),
        "code": "subscription_required",
    }

    def has_permission(self, request: Request, view: APIView) -> bool:
        return user_has_subscription(request.user)
