"""What the API takes and gives."""

from typing import Any

from rest_framework import serializers

from billing.models import Payment
from billing.services.dues import Due
from common.api.serializers import StrictSerializer


class CheckoutSerializer(StrictSerializer):
    plan = serializers.CharField(max_length=64, help_text="The plan's `slug`, from the list of plans.")


class NothingSerializer(StrictSerializer):
    """A body without fields."""


class PageSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(
        help_text="The URL of Stripe's page. Redirect the user immediately, because it expires soon."
    )


class PlanSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    amount = serializers.IntegerField(help_text="In minor units: 2900 is $29.00.")
    currency = serializers.CharField(help_text="In lowercase.")
    interval = serializers.CharField(help_text="`month`, `year`, …")
    display_amount = serializers.CharField(help_text="Formatted for the language of the request.")


class SubscriptionPlanSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()


class SubscriptionSerializer(serializers.Serializer[Any]):
    """The same fields for everyone. Without a subscription, `status` is `none`."""

    status = serializers.CharField(help_text="`none`, or Stripe's status: `active`, `trialing`, `past_due`, …")
    gives_access = serializers.BooleanField()
    plan = SubscriptionPlanSerializer(allow_null=True, help_text="Null if the price doesn't belong to a known plan.")
    quantity = serializers.IntegerField(allow_null=True, help_text="Of the plan. Null if Stripe didn't report it.")
    amount = serializers.IntegerField(
        allow_null=True,
        help_text="The sum of all items for one period, in minor units. Null if it isn't certain, such as with a "
        "discount, with tax on top, for usage, or if the price is about to change.",
    )
    currency = serializers.CharField(allow_blank=True)
    interval = serializers.CharField(allow_blank=True)
    interval_count = serializers.IntegerField(
        allow_null=True, help_text="A period has this many intervals: 3 with `month` is a quarter."
    )
    display_amount = serializers.CharField(allow_blank=True, help_text="Empty if `amount` is null.")
    current_period_end = serializers.DateTimeField(allow_null=True)
    trial_end = serializers.DateTimeField(allow_null=True)
    cancel_at = serializers.DateTimeField(allow_null=True, help_text="When it will end.")
    is_collection_paused = serializers.BooleanField(help_text="Nothing is charged for now. Access continues.")
    collection_resumes_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    next_charge_at = serializers.DateTimeField(allow_null=True)


class PaymentDueSerializer(serializers.Serializer[Due]):
    """What the user has to pay now."""

    plan = SubscriptionPlanSerializer(allow_null=True)
    amount = serializers.IntegerField(
        source="amount.value", default=None, allow_null=True, help_text="In minor units. Null if no event proves it."
    )
    currency = serializers.CharField(source="amount.currency", default="", allow_blank=True)
    display_amount = serializers.CharField(allow_blank=True, help_text="Empty if `amount` is null.")
    needs_action = serializers.BooleanField(
        help_text="True: the bank asks the user to confirm the payment (3-D Secure). False: the payment failed."
    )
    is_suspended = serializers.BooleanField(help_text="True: there's no access until the payment arrives.")
    access_ends_at = serializers.DateTimeField(
        allow_null=True, help_text="When access ends without the payment. Null if there's no fixed date."
    )
    next_attempt_at = serializers.DateTimeField(
        source="payment.upcoming_attempt_at", default=None, allow_null=True, help_text="When Stripe tries again."
    )
    url = serializers.CharField(
        source="link",
        allow_blank=True,
        help_text="The page to pay on. If it's empty, `POST /api/billing/pay/` returns one.",
    )


class MySubscriptionSerializer(SubscriptionSerializer):
    payment_due = PaymentDueSerializer(allow_null=True, help_text="The most urgent payment that is missing, or null.")
    others = SubscriptionSerializer(many=True, help_text="Other live subscriptions, which are charged as well.")


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    dispute_status = serializers.CharField(
        read_only=True, help_text="Stripe's status of the newest dispute, such as `needs_response`, or empty."
    )
    needs_action = serializers.BooleanField(
        source="is_awaiting_action",
        read_only=True,
        help_text="The status is `failed` because the bank asks the user to confirm the payment (3-D Secure).",
    )
    next_attempt_at = serializers.DateTimeField(
        source="upcoming_attempt_at", read_only=True, allow_null=True, help_text="Null once the date has passed."
    )

    class Meta:
        model = Payment
        fields = [
            "id",
            "status",
            "amount",
            "amount_refunded",
            "dispute_status",
            "currency",
            "display_amount",
            "description",
            "number",
            "invoice_url",
            "paid_at",
            "needs_action",
            "next_attempt_at",
            "created_at",
        ]
        read_only_fields = fields
