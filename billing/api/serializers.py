"""What the API takes and gives."""

from typing import Any

from rest_framework import serializers

from billing.models import Payment
from common.api.serializers import StrictSerializer


class CheckoutSerializer(StrictSerializer):
    plan = serializers.CharField(max_length=64, help_text="The plan's `slug`, from the list of plans.")


class NothingSerializer(StrictSerializer):
    """A body without fields."""


class PageSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(
        help_text="The URL of Stripe's page. Redirect the user immediately, because it expires soon."
    )


class PriceSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="The price's ID at Stripe.")
    amount = serializers.IntegerField(help_text="In minor units: 2900 is $29.00.")
    currency = serializers.CharField(help_text="In lowercase.")
    interval = serializers.CharField(help_text="`month`, `year`, …, or empty for a price that is paid once.")
    interval_count = serializers.IntegerField(help_text="3 with `month` is a quarter.")
    display_amount = serializers.CharField(help_text="Formatted for the language of the request.")


class PlanSerializer(serializers.Serializer[Any]):
    """A plan. The fields from `amount` to `display_amount` repeat its first price. They are null for a free plan."""

    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    features = serializers.ListField(child=serializers.CharField())
    prices = PriceSerializer(many=True)
    amount = serializers.IntegerField(source="first_price.amount", default=None, allow_null=True)
    currency = serializers.CharField(source="first_price.currency", default=None, allow_null=True)
    interval = serializers.CharField(source="first_price.interval", default=None, allow_null=True)
    display_amount = serializers.CharField(source="first_price.display_amount", default=None, allow_null=True)


class DocumentSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(
        help_text="The page at Stripe, where an open invoice can be paid. Empty if the payment has no invoice.",
        allow_blank=True,
    )
    pdf_url = serializers.URLField(
        help_text="The PDF, or empty for a receipt, which has only a page.", allow_blank=True
    )


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


class MySubscriptionSerializer(SubscriptionSerializer):
    others = SubscriptionSerializer(many=True, help_text="Other live subscriptions, which are charged as well.")


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    dispute_status = serializers.CharField(
        read_only=True, help_text="Stripe's status of the newest dispute, such as `needs_response`, or empty."
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
            "next_attempt_at",
            "created_at",
        ]
        read_only_fields = fields
