"""How changes of a subscription appear in the OpenAPI schema."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema

from billing.api.changes_serializers import ChangeSerializer, ChoiceSerializer, PreviewSerializer
from billing.api.schema import STRIPE_AWAY, STRIPE_REFUSED
from billing.api.serializers import MySubscriptionSerializer, NothingSerializer
from common.api.schema import BAD_INPUT, REFUSAL, TOO_MANY, request_example

TEAM = {"plan": "team", "interval": "year", "quantity": 5}

REFUSED = OpenApiResponse(
    REFUSAL,
    description="The state doesn't allow it: `no_subscription`, `subscription_ended`, `subscription_incomplete`, "
    "`several_subscriptions`, `not_changeable`, `payment_due`, `subscription_paused`, `cancellation_scheduled`, "
    "`nothing_to_change`, `already_scheduled`, `currency_mismatch`, or `change_in_progress`.",
)
OUTDATED = OpenApiResponse(
    REFUSAL,
    description="`preview_outdated`: the token is forged or too old, or the amounts or the subscription have changed "
    "since. Nothing was changed; show a new preview. Otherwise as for the preview.",
)
DECLINED = OpenApiResponse(
    REFUSAL,
    description="`payment_declined`: nothing was changed; send the person to the portal's `payment_method_update`. "
    "`payment_needs_confirmation`: the bank asks for 3-D Secure; send them to `subscription_update`.",
)
PENDING = OpenApiResponse(
    REFUSAL,
    description="`change_pending`: Stripe hasn't confirmed the change. It is repeated until the outcome is known, and "
    "`pending_change` of the subscription shows it. Otherwise as for the preview: nothing was changed.",
)
ERRORS: dict[int, Any] = {
    400: BAD_INPUT,
    401: REFUSAL,
    409: REFUSED,
    429: TOO_MANY,
    502: STRIPE_REFUSED,
    503: STRIPE_AWAY,
}
CHANGED: dict[int, Any] = {**ERRORS, 200: MySubscriptionSerializer, 503: PENDING}

preview = extend_schema(
    operation_id="preview_subscription_change",
    summary="Preview a change of plan",
    description="Returns what another plan, interval, quantity, or add-on costs now and later, and when it takes "
    "effect. Nothing is changed.",
    request={"application/json": ChoiceSerializer},
    responses={**ERRORS, 200: PreviewSerializer},
    examples=[request_example("Team for five people, paid yearly", TEAM)],
)
change = extend_schema(
    operation_id="change_subscription",
    summary="Change the plan",
    description="Makes the change that a preview has shown: the same body, with its `token`. Safe to repeat. Returns "
    "the subscription.",
    request={"application/json": ChangeSerializer},
    responses={**CHANGED, 402: DECLINED, 409: OUTDATED},
    examples=[request_example("Ada confirms the preview", {**TEAM, "token": "eyJpZCI6…"})],
)
cancel = extend_schema(
    operation_id="cancel_subscription",
    summary="Cancel at the end of the period",
    description="The plan stays until then, and nothing more is charged. Safe to repeat. Returns the subscription.",
    request={"application/json": NothingSerializer},
    responses=CHANGED,
)
resume = extend_schema(
    operation_id="resume_subscription",
    summary="Keep the plan",
    description="Undoes a cancellation, or a change that is scheduled for the end of the period. Safe to repeat. "
    "Returns the subscription.",
    request={"application/json": NothingSerializer},
    responses=CHANGED,
)
