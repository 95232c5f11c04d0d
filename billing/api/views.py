"""The API of billing: plans and the user's own payments, and the URLs of Stripe's pages. schema.py documents it.

Every query starts from the request's user, so that nobody reaches another person's data.
"""

from typing import Any, cast

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView, RetrieveAPIView, get_object_or_404
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from billing.api import schema
from billing.api.serializers import (
    CheckoutSerializer,
    DocumentSerializer,
    NothingSerializer,
    OfferSerializer,
    PaymentSerializer,
    PlanSerializer,
    PortalSerializer,
)
from billing.api.subscriptions import my_subscription
from billing.errors import DocumentMissing
from billing.models import Payment
from billing.plans import all_add_ons, all_plans, all_products
from billing.services.checkouts import start_checkout
from billing.services.dues import payment_page
from billing.services.invoices import NO_DOCUMENT, document_of
from billing.services.portals import PortalFlow, open_portal
from billing.throttling import STRIPE_PAGE_LIMITS
from common.api.serializers import parse
from common.api.views import ThrottledView


class PlansView(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    @schema.plans
    def get(self, request: Request) -> Response:
        return Response(PlanSerializer(all_plans(), many=True).data)


class AddOnsView(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    @schema.add_ons
    def get(self, request: Request) -> Response:
        return Response(OfferSerializer(all_add_ons(), many=True).data)


class ProductsView(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    @schema.products
    def get(self, request: Request) -> Response:
        return Response(OfferSerializer(all_products(), many=True).data)


class SubscriptionView(APIView):
    @schema.subscription
    def get(self, request: Request) -> Response:
        return Response(my_subscription(user_of(request)))


class PaymentPages(PageNumberPagination):
    page_size = 20


class PaymentsView(ListAPIView[Payment]):
    serializer_class = PaymentSerializer
    pagination_class = PaymentPages

    def get_queryset(self) -> QuerySet[Payment]:
        return payments_of(self.request)

    @schema.payments
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class PaymentView(RetrieveAPIView[Payment]):
    serializer_class = PaymentSerializer

    def get_queryset(self) -> QuerySet[Payment]:
        return payments_of(self.request)

    @schema.payment
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class StripePageView(ThrottledView):
    """A view that calls Stripe. The limits keep one person from using up Stripe's rate limit for everybody."""

    limits = STRIPE_PAGE_LIMITS


class CheckoutView(StripePageView):
    @schema.checkout
    def post(self, request: Request) -> Response:
        return Response({"url": start_checkout(user=user_of(request), **parse(CheckoutSerializer, request))})


class PayView(StripePageView):
    @schema.pay
    def post(self, request: Request) -> Response:
        parse(NothingSerializer, request)
        return Response({"url": payment_page(user=user_of(request))})


class InvoiceView(StripePageView):
    @schema.invoice
    def get(self, request: Request, pk: str) -> Response:
        payment = get_object_or_404(payments_of(request), pk=pk)
        try:
            document = document_of(payment)
        except DocumentMissing:
            document = NO_DOCUMENT
        return Response(DocumentSerializer(document).data)


class PortalView(StripePageView):
    @schema.portal
    def post(self, request: Request) -> Response:
        flow = parse(PortalSerializer, request).get("flow")
        return Response({"url": open_portal(user=user_of(request), flow=PortalFlow(flow) if flow else None)})


def user_of(request: Request) -> User:
    return cast(User, request.user)


def payments_of(request: Request) -> QuerySet[Payment]:
    return Payment.objects.of(user_of(request).pk).shown().with_refunds()
