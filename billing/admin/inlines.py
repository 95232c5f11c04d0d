"""Subscriptions and payments on a customer's page. Each is shown only to staff who may view that model."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from billing.models import Payment, Subscription

if TYPE_CHECKING:  # generic in django-stubs, not in Django
    TabularInline = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline


class ReadOnlyInline(TabularInline):
    show_change_link = True
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SubscriptionInline(ReadOnlyInline):
    model = Subscription
    fields = ["status", "plan_name", "display_amount", "current_period_end", "cancel_at"]
    readonly_fields = ["plan_name", "display_amount"]


class PaymentInline(ReadOnlyInline):
    model = Payment
    fields = ["status", "display_amount", "description", "number", "paid_at", "created_at"]
    readonly_fields = ["display_amount"]
