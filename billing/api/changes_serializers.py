"""What the API takes and gives about changes of a subscription."""

from typing import Any

from rest_framework import serializers

from accounts.models import User
from billing.api.serializers import SubscriptionPlanSerializer
from billing.services.changes.quotes import Quote
from common.api.serializers import StrictSerializer
from common.money import format_amount

MAX_ADD_ONS = 20  # Stripe's limit for the items of a subscription
MAX_QUANTITY = 1_000_000  # Stripe's limit for an item
AMOUNT = "In minor units. Negative amounts are credits."


class ChoiceSerializer(StrictSerializer):
    plan = serializers.CharField(max_length=64, help_text="The plan's `slug`. A free plan cancels the subscription.")
    interval = serializers.CharField(
        required=False, max_length=16, help_text="`month`, `year`, … By default, the interval that is paid now."
    )
    interval_count = serializers.IntegerField(
        required=False, min_value=1, max_value=1000, help_text="3 with `month` is a quarter."
    )
    quantity = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_QUANTITY, help_text="Seats. By default, as many as now."
    )
    add_ons = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        max_length=MAX_ADD_ONS,
        help_text="The `slug` of each add-on. By default, the add-ons that are paid now.",
    )


class ChangeSerializer(ChoiceSerializer):
    token = serializers.CharField(max_length=10_000, help_text="The `token` of the preview that the person confirmed.")


class PreviewLineSerializer(serializers.Serializer[Any]):
    description = serializers.CharField(help_text="Stripe's words, in the language of the customer at Stripe.")
    amount = serializers.IntegerField(help_text=AMOUNT)
    display_amount = serializers.CharField()
    is_proration = serializers.BooleanField(help_text="Whether it is for a part of a period.")


class AdjustmentSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(
        help_text="`tax`, `discount`, `balance` (credit that is used, or kept for later), `granted_credit`, "
        "`shipping`, or `credit_notes`."
    )
    amount = serializers.IntegerField(help_text=AMOUNT)
    display_amount = serializers.CharField()


class NextChargeSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField(allow_null=True)
    amount = serializers.IntegerField(
        allow_null=True,
        help_text="The sum for each interval. Null if it isn't certain, such as with tax.",
    )
    display_amount = serializers.CharField(allow_blank=True)


class PreviewSerializer(serializers.Serializer[Any]):
    """What a change costs. Lines and adjustments add up to `amount_due`, unless there are no adjustments."""

    effective = serializers.ChoiceField(choices=["now", "period_end"])
    effective_at = serializers.DateTimeField(allow_null=True, help_text="Null if the change is made immediately.")
    plan = SubscriptionPlanSerializer()
    interval = serializers.CharField(allow_blank=True)
    interval_count = serializers.IntegerField(allow_null=True)
    quantity = serializers.IntegerField(allow_null=True)
    add_ons = serializers.ListField(child=serializers.CharField())
    amount_due = serializers.IntegerField(help_text="What is charged now, in minor units.")
    currency = serializers.CharField()
    display_amount = serializers.CharField(help_text="`amount_due` for the language of the request.")
    lines = PreviewLineSerializer(many=True)
    adjustments = AdjustmentSerializer(many=True)
    next_charge = NextChargeSerializer(allow_null=True, help_text="The next regular charge. Null if there isn't one.")
    proration_date = serializers.IntegerField(help_text="Unix time. The change charges as of this time.")
    token = serializers.CharField(help_text="Confirms exactly this. Send it with the change within 30 minutes.")


def preview_data(quote: Quote, user: User) -> dict[str, Any]:
    target, preview, currency = quote.target, quote.preview, quote.currency
    values = {
        "effective": "now" if quote.effective_at is None else "period_end",
        "effective_at": quote.effective_at,
        "plan": quote.plan,
        "interval": target.interval if target else "",
        "interval_count": target.interval_count if target else None,
        "quantity": target.quantity if target else None,
        "add_ons": [add_on.slug for add_on in target.add_ons] if target else [],
        **amount("amount_due", quote.amount_due, currency),
        "currency": currency,
        "lines": [
            {
                "description": line.description,
                "is_proration": line.is_proration,
                **amount("amount", line.amount, currency),
            }
            for line in (preview.lines if preview else ())
        ],
        "adjustments": [
            {"name": name, **amount("amount", value, currency)}
            for name, value in (preview.rows.items() if preview else ())
        ],
        "next_charge": {"at": quote.next_charge_at, **amount("amount", quote.next_amount, currency)}
        if target
        else None,
        "proration_date": quote.proration_date,
        "token": quote.token_for(user),
    }
    return dict(PreviewSerializer(values).data)


def amount(name: str, value: int | None, currency: str) -> dict[str, Any]:
    return {name: value, "display_amount": "" if value is None else format_amount(value, currency)}
