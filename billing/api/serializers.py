"""What the API takes and gives."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from billing.models import Payment
from billing.services.dues import Due
from billing.services.orders import MAX_QUANTITY
from billing.services.portals import PortalFlow
from common.api.serializers import StrictSerializer

MAX_INTERVAL_COUNT = 1095  # three years of days, Stripe's limit
MAX_ADD_ONS = 19  # Stripe's limit is 20 items, and one of them is the plan
OF_A_PLAN = ("interval", "interval_count", "add_ons")


class WholeNumberField(serializers.IntegerField):
    """Takes JSON's integers only: `"3"`, `3.0`, and `true` are mistakes of the client."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class CheckoutSerializer(StrictSerializer):
    """A plan or a product. Only `plan` or `product` is required."""

    plan = serializers.CharField(
        required=False, max_length=64, help_text="The plan's `slug`, from the list of plans. Not with `product`."
    )
    interval = serializers.CharField(
        required=False, max_length=16, help_text="`month`, `year`, …: one of the plan's prices. By default, the first."
    )
    interval_count = WholeNumberField(
        required=False,
        min_value=1,
        max_value=MAX_INTERVAL_COUNT,
        help_text="Together with `interval`: 3 with `month` is a quarter. By default 1.",
    )
    quantity = WholeNumberField(
        required=False,
        min_value=1,
        max_value=MAX_QUANTITY,
        help_text="The number of seats, or of products. By default as few as possible.",
    )
    add_ons = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        max_length=MAX_ADD_ONS,
        help_text="Slugs from the list of add-ons.",
    )
    product = serializers.CharField(
        required=False, max_length=64, help_text="The product's `slug`, from the list of products. Not with `plan`."
    )

    def validate_add_ons(self, value: list[str]) -> list[str]:
        if len({*value}) < len(value):
            raise serializers.ValidationError(_("Name each add-on only once."))
        return value

    def validate(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        if "product" in attrs:
            wrong = [name for name in ("plan", *OF_A_PLAN) if name in attrs]
            message = _("Leave this out if you name a product.")
        else:
            wrong = [] if "plan" in attrs else ["plan"]
            message = _("This field is required.")
        if not wrong and "interval_count" in attrs and "interval" not in attrs:
            wrong, message = ["interval"], _("This field is required.")
        if wrong:
            raise serializers.ValidationError({name: [message] for name in wrong})
        return attrs


class PortalSerializer(StrictSerializer):
    flow = serializers.ChoiceField(
        choices=[(str(flow), str(flow)) for flow in PortalFlow],
        required=False,
        help_text="Opens this page of the portal directly. By default, the portal's first page opens.",
    )


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


class OfferSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    prices = PriceSerializer(many=True)


class SeatsSerializer(serializers.Serializer[Any]):
    minimum = serializers.IntegerField()
    maximum = serializers.IntegerField(allow_null=True, help_text="Null if there is no limit.")


class PlanSerializer(serializers.Serializer[Any]):
    """A plan. The fields from `amount` to `display_amount` repeat its first price. They are null for a free plan."""

    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    features = serializers.ListField(child=serializers.CharField())
    limits = serializers.DictField(
        child=serializers.IntegerField(allow_null=True), help_text="Null means that there is no limit."
    )
    is_free = serializers.BooleanField(help_text="The plan of everyone who has no other. It can't be bought.")
    is_highlighted = serializers.BooleanField(help_text="The recommended plan.")
    trial_days = serializers.IntegerField(help_text="Once per person. 0 if there is no trial.")
    trial_requires_card = serializers.BooleanField()
    seats = SeatsSerializer(
        allow_null=True, help_text="The plan is priced per person. Null if it is for one person only."
    )
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


class ItemSerializer(serializers.Serializer[Any]):
    """An item of a subscription."""

    price_id = serializers.CharField(help_text="The price's ID at Stripe.")
    kind = serializers.ChoiceField(["plan", "add_on", "other"], help_text="`other`: not a price of ours.")
    slug = serializers.CharField(allow_blank=True, help_text="Of the plan or the add-on.")
    name = serializers.CharField(help_text="For other prices, Stripe's description or the ID.")
    quantity = serializers.IntegerField(allow_null=True, help_text="Null if Stripe hasn't reported it.")
    amount = serializers.IntegerField(allow_null=True, help_text="In minor units. Null if the sum isn't certain.")
    display_amount = serializers.CharField(allow_blank=True, help_text="Empty if `amount` is null.")


class ScheduledChangeSerializer(serializers.Serializer[Any]):
    """What the subscription will be from `at` on."""

    at = serializers.DateTimeField()
    plan = SubscriptionPlanSerializer(allow_null=True, help_text="Null if the price doesn't belong to a known plan.")
    quantity = serializers.IntegerField(allow_null=True)
    interval = serializers.CharField(allow_blank=True)
    interval_count = serializers.IntegerField(allow_null=True)
    amount = serializers.IntegerField(allow_null=True, help_text="As for the subscription: null if it isn't certain.")
    currency = serializers.CharField(allow_blank=True)
    display_amount = serializers.CharField(allow_blank=True, help_text="Empty if `amount` is null.")


class PendingChangeSerializer(serializers.Serializer[Any]):
    """A change that Stripe hasn't confirmed yet."""

    action = serializers.CharField(help_text="`change`, `schedule`, `cancel`, or `resume`.")
    plan = serializers.CharField(allow_blank=True, help_text="The `slug` of the chosen plan.")
    created_at = serializers.DateTimeField()


class SubscriptionSerializer(serializers.Serializer[Any]):
    """The same fields for everyone. Without a subscription, `status` is `none`."""

    status = serializers.CharField(help_text="`none`, or Stripe's status: `active`, `trialing`, `past_due`, …")
    gives_access = serializers.BooleanField()
    plan = SubscriptionPlanSerializer(allow_null=True, help_text="Null if the price doesn't belong to a known plan.")
    quantity = serializers.IntegerField(allow_null=True, help_text="Of the plan. Null if Stripe didn't report it.")
    items = ItemSerializer(source="bought_items", many=True, help_text="The plan, add-ons, and anything else.")
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
    scheduled_change = ScheduledChangeSerializer(
        allow_null=True, help_text="The change of plan, interval, or quantity that lies ahead."
    )


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
    can_change = serializers.BooleanField(help_text="Whether `subscription/change/` can be used now.")
    can_cancel = serializers.BooleanField(help_text="Whether `subscription/cancel/` can be used now.")
    can_resume = serializers.BooleanField(help_text="Whether there is something for `subscription/resume/` to undo.")
    pending_change = PendingChangeSerializer(
        allow_null=True, help_text="A change that is being processed, because Stripe hasn't confirmed it yet."
    )
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
            "product",
            "number",
            "invoice_url",
            "paid_at",
            "needs_action",
            "next_attempt_at",
            "created_at",
        ]
        read_only_fields = fields
