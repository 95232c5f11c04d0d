"""What billing shows on the dashboard."""

from typing import cast

from django.http import HttpRequest
from django.template.loader import render_to_string

from accounts.models import User
from billing.models import Subscription


def plan_panel(request: HttpRequest) -> str:
    """Plan, state and next charge."""
    subscription = Subscription.objects.current_of(cast(User, request.user).pk)
    return render_to_string("billing/panel.html", {"subscription": subscription}, request)
