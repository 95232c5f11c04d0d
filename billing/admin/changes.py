"""What people changed about their subscriptions here, and what is still being processed."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from billing.models import SubscriptionChange
from common.admin import ReadOnlyAdmin


@admin.register(SubscriptionChange)
class SubscriptionChangeAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "action", "plan", "subscription_id", "status", "refusal", "due_at"]
    list_filter = ["status", "action", "created_at"]
    search_fields = ["=subscription__id"]
    search_help_text = _("Search by Stripe ID: sub_…")
    fields = [
        "user",
        "subscription",
        "action",
        "plan",
        "amount_due",
        "currency",
        "parameters",
        "status",
        "refusal",
        "created_at",
        "due_at",
        "failures",
        "finished_at",
    ]
