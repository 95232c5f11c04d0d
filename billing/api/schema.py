"""How the API of billing appears in the OpenAPI schema."""

from drf_spectacular.utils import OpenApiResponse, extend_schema

from billing.api.serializers import (
    CheckoutSerializer,
    NothingSerializer,
    PageSerializer,
    PaymentSerializer,
    PlanSerializer,
    SubscriptionSerializer,
)
from common.api.schema import BAD_INPUT, REFUSAL, TOO_MANY, answered, given

PRO = {
    "slug": "pro", "name": "Pro", "description": "Everything, for one person.",
    "amount": 2900, "currency": "usd", "interval": "month", "display_amount": "29.00 USD",
}  # fmt: skip
PAGE = {"url": "https://checkout.stripe.com/c/pay/cs_live_a1b2…"}

STRIPE_REFUSED = OpenApiResponse(
    REFUSAL, description="`stripe_refused`: for the owner to mend; the log says what, with Stripe's request id."
)
STRIPE_AWAY = OpenApiResponse(
    REFUSAL,
    description="`stripe_unavailable`: try again after the seconds in Retry-After. `payments_not_set_up`, "
    "`plan_not_set_up`: the sentence says what to set.",
)

plans = extend_schema(
    operation_id="plans",
    summary="What can be bought",
    responses={200: PlanSerializer(many=True)},
    examples=[answered("One plan", PRO)],
    auth=[],
)
subscription = extend_schema(
    operation_id="subscription",
    summary="What do I have?",
    description="Of several subscriptions the one that gives access. `status` is `none` where there never was one.",
    responses={200: SubscriptionSerializer, 401: REFUSAL},
)
payments = extend_schema(
    operation_id="payments",
    summary="What did I pay?",
    description="Newest first, twenty a page; those that failed too, and what went back.",
    responses={
        200: PaymentSerializer(many=True),
        401: REFUSAL,
        404: OpenApiResponse(REFUSAL, description="There is no such page."),
    },
)
payment = extend_schema(
    operation_id="payment",
    summary="One payment",
    responses={200: PaymentSerializer, 401: REFUSAL, 404: REFUSAL},
)
checkout = extend_schema(
    operation_id="checkout",
    summary="Buy a plan",
    description="Answers with the address of Stripe's page. A second request gives the same page while it is open. "
    "What was bought shows in `subscription` once Stripe has told of it.",
    request={"application/json": CheckoutSerializer},
    responses={
        200: PageSerializer,
        400: BAD_INPUT,
        401: REFUSAL,
        409: OpenApiResponse(REFUSAL, description="`already_subscribed`: the portal changes what there is."),
        429: TOO_MANY,
        502: STRIPE_REFUSED,
        503: STRIPE_AWAY,
    },
    examples=[given("Ada buys Pro", {"plan": "pro"}), answered("Stripe's page", PAGE)],
)
portal = extend_schema(
    operation_id="portal",
    summary="Manage the subscription",
    description="Answers with the address of Stripe's portal: card, plan, address, invoices, cancellation.",
    request={"application/json": NothingSerializer},
    responses={
        200: PageSerializer,
        400: BAD_INPUT,
        401: REFUSAL,
        409: OpenApiResponse(REFUSAL, description="`nothing_bought`: there is nothing to manage yet."),
        429: TOO_MANY,
        502: STRIPE_REFUSED,
        503: STRIPE_AWAY,
    },
)
