"""How the API of billing appears in the OpenAPI schema."""

from drf_spectacular.utils import OpenApiResponse, extend_schema

from billing.api.serializers import (
    CheckoutSerializer,
    DocumentSerializer,
    MySubscriptionSerializer,
    NothingSerializer,
    OfferSerializer,
    PageSerializer,
    PaymentSerializer,
    PlanSerializer,
    PortalSerializer,
)
from common.api.schema import BAD_INPUT, REFUSAL, TOO_MANY, request_example, response_example

MONTHLY = {"amount": 2900, "currency": "usd", "interval": "month", "display_amount": "$29.00"}
YEARLY = {"amount": 29000, "currency": "usd", "interval": "year", "display_amount": "$290.00"}
PRO = {
    "slug": "pro",
    "name": "Pro",
    "description": "Everything, for one person.",
    "features": ["Any number of projects", "Help within a day"],
    "limits": {"projects": None},
    "is_free": False,
    "is_highlighted": True,
    "trial_days": 14,
    "trial_requires_card": False,
    "seats": None,
    "prices": [
        {"id": "price_1SNa…", "interval_count": 1, **MONTHLY},
        {"id": "price_1SNb…", "interval_count": 1, **YEARLY},
    ],
    **MONTHLY,
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
add_ons = extend_schema(
    operation_id="add_ons",
    summary="List the add-ons",
    description="They are bought together with a plan, at the price for the plan's interval.",
    responses={200: OfferSerializer(many=True)},
    auth=[],
)
products = extend_schema(
    operation_id="products",
    summary="List the products that are paid once",
    responses={200: OfferSerializer(many=True)},
    auth=[],
)
subscription = extend_schema(
    operation_id="subscription",
    summary="Get my subscription",
    description="If there are several subscriptions, returns the one that gives access, and the others in `others`. "
    "`status` is `none` if there has never been one. `payment_due` is what the banner on the pages shows.",
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
    summary="Buy a plan or a product",
    description="Returns the URL of Stripe's checkout page. While that page is open, further requests for the same "
    "return the same URL, and a request for anything else closes it. The purchase appears in `subscription` or "
    "`payments` once Stripe has reported it.",
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
    examples=[
        request_example("Ada buys Pro", {"plan": "pro"}),
        request_example("A team pays by the year", {"plan": "team", "interval": "year", "quantity": 5}),
        response_example("Stripe's page", PAGE),
    ],
)
portal = extend_schema(
    operation_id="portal",
    summary="Manage the subscription",
    description="Returns the URL of Stripe's customer portal, where the user can update billing "
    "details, change the plan, view invoices, or cancel. With `flow`, it opens one of these pages directly.",
    request={"application/json": PortalSerializer},
    responses={
        200: PageSerializer,
        400: BAD_INPUT,
        401: REFUSAL,
        409: OpenApiResponse(
            REFUSAL,
            description="`nothing_bought`: there's nothing to manage yet, or no live subscription for this `flow`.",
        ),
        429: TOO_MANY,
        502: STRIPE_REFUSED,
        503: STRIPE_AWAY,
    },
)
pay = extend_schema(
    operation_id="pay",
    summary="Pay what is due",
    description="Returns the URL of Stripe's page where the user pays or confirms the payment in `payment_due` of the "
    "subscription.",
    request={"application/json": NothingSerializer},
    responses={
        200: PageSerializer,
        400: BAD_INPUT,
        401: REFUSAL,
        409: OpenApiResponse(REFUSAL, description="`nothing_due`: no payment is missing."),
        429: TOO_MANY,
        502: STRIPE_REFUSED,
        503: STRIPE_AWAY,
    },
)
