"""What the API takes and gives."""

from typing import Any

from rest_framework import serializers

from billing.models import Payment
from common.api.serializers import StrictSerializer


class CheckoutSerializer(StrictSerializer):
    plan = serializers.CharField(max_length=64, help_text="Its `slug` in the list of plans.")


class NothingSerializer(StrictSerializer):
    """A body without fields."""


class PageSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(help_text="Of Stripe's page: send the person there at once, it does not live long.")


class PlanSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    amount = serializers.IntegerField(help_text="In minor units: 2900 is 29.00 USD.")
    currency = serializers.CharField(help_text="In lower case.")
    interval = serializers.CharField(help_text="`month`, `year`, …")
    display_amount = serializers.CharField(help_text="For people, in the language of the request.")


class SubscriptionPlanSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()


class SubscriptionSerializer(serializers.Serializer[Any]):
    """The same fields for everybody: without a subscription `status` is `none`."""

    status = serializers.CharField(help_text="`none`, or Stripe's word: `active`, `trialing`, `past_due`, …")
    gives_access = serializers.BooleanField()
    plan = SubscriptionPlanSerializer(allow_null=True, help_text="Null for a price of which no plan is known.")
    quantity = serializers.IntegerField()
    amount = serializers.IntegerField(help_text="Of one interval, in minor units.")
    currency = serializers.CharField(allow_blank=True)
    interval = serializers.CharField(allow_blank=True)
    display_amount = serializers.CharField(allow_blank=True)
    current_period_end = serializers.DateTimeField(allow_null=True)
    trial_end = serializers.DateTimeField(allow_null=True)
    cancel_at = serializers.DateTimeField(allow_null=True, help_text="When it is going to end.")
    ended_at = serializers.DateTimeField(allow_null=True)
    next_charge_at = serializers.DateTimeField(allow_null=True)


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    class Meta:
        model = Payment
        fields = [
            "id", "status", "amount", "amount_refunded", "currency", "display_amount", "description", "number",
            "invoice_url", "paid_at", "next_attempt_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields
