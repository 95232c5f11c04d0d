"""How the API of billing appears in the OpenAPI schema."""

from drf_spectacular.utils import OpenApiResponse, extend_schema

from billing.api.serializers import (
    CheckoutSerializer,
    DocumentSerializer,
    MySubscriptionSerializer,
    NothingSerializer,
    PageSerializer,
    PaymentSerializer,
    PlanSerializer,
)
from common.api.schema import BAD_INPUT, REFUSAL, TOO_MANY, request_example, response_example

PRO = {
    "slug": "pro",
    "name": "Pro",
    "description": "Everything, for one person.",
    "amount": 2900,
    "currency": "usd",
    "interval": "month",
    "display_amount": "$29.00",
}
PAGE = {"url": "https://checkout.stripe.com/c/pay/cs_live_a1b2…"}

STRIPE_REFUSED = OpenApiResponse(
    REFUSAL,
    description="`stripe_refused`: the site's owner must fix this. The log has the details and Stripe's request ID.",
)
STRIPE_AWAY = OpenApiResponse(
    REFUSAL,
    description="`stripe_unavailable`: try again after the number of seconds in Retry-After. `payments_not_set_up`, "
    "`plan_not_set_up`: the message names the missing setting.",
)

plans = extend_schema(
    operation_id="plans",
    summary="List the plans",
    responses={200: PlanSerializer(many=True)},
    examples=[response_example("One plan", PRO)],
    auth=[],
)
subscription = extend_schema(
    operation_id="subscription",
    summary="Get my subscription",
    description="If there are several subscriptions, returns the one that gives access, and the others in `others`. "
    "`status` is `none` if there has never been one.",
    responses={200: MySubscriptionSerializer, 401: REFUSAL},
)
payments = extend_schema(
    operation_id="payments",
    summary="List my payments",
    description="Newest first, 20 per page, including failed payments and refunds.",
    responses={
        200: PaymentSerializer(many=True),
        401: REFUSAL,
        404: OpenApiResponse(REFUSAL, description="This page doesn't exist."),
    },
)
payment = extend_schema(
    operation_id="payment",
    summary="Get one payment",
    responses={200: PaymentSerializer, 401: REFUSAL, 404: REFUSAL},
)
invoice = extend_schema(
    operation_id="invoice",
    summary="Get the invoice of a payment",
    description="Returns links to the invoice at Stripe, or to the receipt of a purchase without an invoice. They "
    "expire after some weeks, so request new ones for each visit. While Stripe can't be reached, the link from the "
    "time of the payment is returned as long as it works, without `pdf_url`.",
    responses={
        200: DocumentSerializer,
        401: REFUSAL,
        404: REFUSAL,
        429: TOO_MANY,
        503: OpenApiResponse(REFUSAL, description="`invoice_unavailable`: try again after Retry-After seconds."),
    },
)
checkout = extend_schema(
    operation_id="checkout",
    summary="Buy a plan",
    description="Returns the URL of Stripe's checkout page. While that page is open, further requests return the same "
    "URL. The purchase appears in `subscription` once Stripe has reported it.",
    request={"application/json": CheckoutSerializer},
    responses={
        200: PageSerializer,
        400: BAD_INPUT,
        401: REFUSAL,
        409: OpenApiResponse(REFUSAL, description="`already_subscribed`: use the portal to change the subscription."),
        429: TOO_MANY,
        502: STRIPE_REFUSED,
        503: STRIPE_AWAY,
    },
    examples=[request_example("Ada buys Pro", {"plan": "pro"}), response_example("Stripe's page", PAGE)],
)
portal = extend_schema(
    operation_id="portal",
    summary="Manage the subscription",
    description="Returns the URL of Stripe's customer portal, where the user can update billing "
    "details, change the plan, view invoices, or cancel.",
    request={"application/json": NothingSerializer},
    responses={
        200: PageSerializer,
        400: BAD_INPUT,
        401: REFUSAL,
        409: OpenApiResponse(REFUSAL, description="`nothing_bought`: there's nothing to manage yet."),
        429: TOO_MANY,
        502: STRIPE_REFUSED,
        503: STRIPE_AWAY,
    },
)
