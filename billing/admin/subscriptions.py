"""Subscriptions, in the state that Stripe last reported."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing.admin import links
from billing.models import Payment, Subscription
from common.admin import ReadOnlyAdmin


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "status", "plan_name", "display_amount", "current_period_end", "cancel_at"]
    list_filter = ["status", "current_period_end", ("cancel_at", admin.EmptyFieldListFilter)]
    list_select_related = ["customer__user"]
    search_fields = ["=id", "=customer__id", "customer__email", "customer__user__email", "=price_id"]
    search_help_text = _("Search by Stripe ID (sub_…, cus_…, price_…) or email address")
    fields = [
        "id",
        "status",
        "user",
        "customer",
        "plan_name",
        "price_id",
        "items",
        "display_amount",
        "quantity",
        "interval",
        "interval_count",
        "has_schedule",
        "schedule_id",
        "next_phase",
        "current_period_end",
        "next_charge_at",
        "trial_end",
        "without_card",
        "cancel_at",
        "open_payment",
        "unpaid_since",
        "grace_ends_at",
        "payment_method",
        "is_collection_paused",
        "collection_resumes_at",
        "ended_at",
        "end_reason",
        "first_paid_at",
        "refresh_at",
        "payments",
        "emails",
        "events",
    ]
    readonly_fields = [
        "user",
        "plan_name",
        "display_amount",
        "next_charge_at",
        "grace_ends_at",
        "payments",
        "emails",
        "events",
    ]

    @admin.display(description=_("user"), ordering="customer__user")
    def user(self, subscription: Subscription) -> SafeString | str:
        user = subscription.customer.user if subscription.customer else None
        return links.to_row(user) if user else "-"

    @admin.display(description=_("payments"))
    def payments(self, subscription: Subscription) -> SafeString | str:
        return links.to_search(Payment, subscription.pk, str(_("search for its payments")))

    @admin.display(description=_("emails"))
    def emails(self, subscription: Subscription) -> SafeString | str:
        # These are the emails about its trial and its end. Receipts are linked from the payments.
        return links.to_emails(subscription.pk)

    @admin.display(description=_("Stripe events"))
    def events(self, subscription: Subscription) -> SafeString | str:
        return links.to_events(subscription.pk)
