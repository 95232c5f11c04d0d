"""Subscriptions and payments on a customer's page. Each is shown only to staff who may view that model."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing import states
from billing.models import Payment, Subscription
from billing.models.payments import PaymentQuerySet

if TYPE_CHECKING:  # generic in django-stubs, not in Django
    TabularInline = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline


class ReadOnlyInline(TabularInline):
    template = "admin/read_only_inline.html"
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SubscriptionInline(ReadOnlyInline):
    model = Subscription
    fields = ["state", "plan_name", "display_amount", "current_period_end", "cancel_at"]
    readonly_fields = ["state", "plan_name", "display_amount"]

    @admin.display(description=_("status"))
    def state(self, subscription: Subscription) -> SafeString:
        return states.subscription_state(subscription).badge

    @admin.display(description=_("plan"))
    def plan_name(self, subscription: Subscription) -> str:
        return subscription.plan_name or "-"

    @admin.display(description=_("amount"))
    def display_amount(self, subscription: Subscription) -> str:
        return subscription.display_amount or "-"


class PaymentInline(ReadOnlyInline):
    model = Payment
    fields = ["state", "display_amount", "description", "number", "created_at"]
    readonly_fields = ["state", "display_amount"]

    def get_queryset(self, request: HttpRequest) -> PaymentQuerySet:
        found: PaymentQuerySet = super().get_queryset(request)  # type: ignore[assignment]
        return found.with_refunds()

    @admin.display(description=_("status"))
    def state(self, payment: Payment) -> SafeString:
        return states.payment_state(payment).badge

    @admin.display(description=_("amount"))
    def display_amount(self, payment: Payment) -> str:
        return payment.display_amount
