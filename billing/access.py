"""Who may use what they pay for: the questions that the rest of a product asks. One query each.

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
    """Whether a subscription of the user's to this plan, at its price or a former one, gives access now.

    Raises LookupError for a plan that is not in settings/plans.py: a misspelt one would lock out everybody.
    """
    if (plan := plan_by_slug(slug)) is None:
        raise LookupError(f"settings/plans.py has no plan with the slug {slug!r}.")
    if user.pk is None:
        return False
    return Subscription.objects.of(user.pk).with_access().filter(price_id__in=plan.price_ids).exists()


def user_has_subscription(user: User | AnonymousUser) -> bool:
    """Whether any subscription of the user's gives access now."""
    return user.pk is not None and Subscription.objects.of(user.pk).with_access().exists()


class HasActiveSubscription(BasePermission):
    """Answers 403 with code ``subscription_required`` to whoever pays for nothing."""

    message = {
        "detail": _("You need a subscription for this. Choose a plan on the billing page."),
        "code": "subscription_required",
    }

    def has_permission(self, request: Request, view: APIView) -> bool:
        return user_has_subscription(request.user)
