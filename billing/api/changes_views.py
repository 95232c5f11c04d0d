"""The API of changes to the own subscription: preview, change, cancel, and resume."""

from typing import Any, cast

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from billing.api import changes_schema as schema
from billing.api.changes_serializers import ChangeSerializer, ChoiceSerializer, preview_data
from billing.api.serializers import NothingSerializer
from billing.api.subscriptions import my_subscription
from billing.services.changes import requests as changes
from billing.services.changes.targets import Choice
from billing.throttling import STRIPE_PAGE_LIMITS
from common.api.serializers import parse
from common.api.views import ThrottledView


class StripeView(ThrottledView):
    """A view that calls Stripe. Its limits are shared with checkout and portal."""

    limits = STRIPE_PAGE_LIMITS


class PreviewView(StripeView):
    @schema.preview
    def post(self, request: Request) -> Response:
        user = user_of(request)
        quote = changes.preview(user=user, choice=Choice(**parse(ChoiceSerializer, request)))
        return Response(preview_data(quote, user))


class ChangeView(StripeView):
    @schema.change
    def post(self, request: Request) -> Response:
        values: dict[str, Any] = parse(ChangeSerializer, request)
        token = values.pop("token")
        changes.change(user=user_of(request), choice=Choice(**values), token=token)
        return Response(my_subscription(user_of(request)))


class CancelView(StripeView):
    @schema.cancel
    def post(self, request: Request) -> Response:
        parse(NothingSerializer, request)
        changes.cancel(user=user_of(request))
        return Response(my_subscription(user_of(request)))


class ResumeView(StripeView):
    @schema.resume
    def post(self, request: Request) -> Response:
        parse(NothingSerializer, request)
        changes.resume(user=user_of(request))
        return Response(my_subscription(user_of(request)))


def user_of(request: Request) -> User:
    return cast(User, request.user)
