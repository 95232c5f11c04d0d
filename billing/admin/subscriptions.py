"""Subscriptions, in the state that Stripe last reported."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing import states
from billing.admin import links, summaries
from billing.models import Payment, Subscription
from common.admin import ReadOnlyAdmin, preformatted, to_the_second
from common.filters import filled, status_filter
from common.summaries import Summary


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ["state", "user", "plan_name", "display_amount", "current_period_end", "cancel_at"]
    list_display_links = ["state", "plan_name"]
    list_filter = [
        status_filter(_("status"), states.SUBSCRIPTIONS),
        "current_period_end",
        ("cancel_at", filled(_("end"), yes=_("Ends on a date"), no=_("Goes on"))),
    ]
    list_select_related = ["customer__user"]
    search_fields = ["=id", "=customer__id", "customer__email", "customer__user__email", "=price_id"]
    search_help_text = _("Search by email address, or by Stripe's ID: sub_…, cus_…, price_…")
    empty_text = _("Here you see who has which plan, in the state that Stripe reports. Nobody has subscribed yet.")
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "plan_name",
                    "display_amount",
                    "quantity",
                    "current_period_end",
                    "next_charge_at",
                    "trial_end",
                    "cancel_at",
                    "unpaid_since",
                    "grace_ends_at",
                    "collection_resumes_at",
                    "first_paid_at",
                    "ended_at",
                    "end_reason",
                ]
            },
        ),
        (
            _("Details"),
            {
                "fields": [
                    "id",
                    "price_id",
                    "item_lines",
                    "interval",
                    "interval_count",
                    "without_card",
                    "is_collection_paused",
                    "has_schedule",
                    "schedule_id",
                    "phase",
                    "payment_method",
                    "refresh_at",
                ],
                "classes": ["collapse"],
            },
        ),
    ]
    readonly_fields = ["plan_name", "display_amount", "next_charge_at", "grace_ends_at", "item_lines", "phase"]
    shown_with = {
        "next_charge_at": "next_charge_at",
        "grace_ends_at": "grace_ends_at",
        "item_lines": "items",
        "phase": "next_phase",
    }

    def summary(self, request: HttpRequest, row: Subscription) -> Summary:
        return Summary(states.subscription_state(row), *summaries.subscription_words(row), facts=[*facts(row)])

    @admin.display(description=_("status"), ordering="status")
    def state(self, subscription: Subscription) -> SafeString:
        return states.subscription_state(subscription).badge

    @admin.display(description=_("user"), ordering="customer__user")
    def user(self, subscription: Subscription) -> SafeString | str:
        user = subscription.customer.user if subscription.customer else None
        return links.to_row(user) if user else "-"

    @admin.display(description=_("plan"))
    def plan_name(self, subscription: Subscription) -> str:
        return subscription.plan_name or subscription.price_id or "-"

    @admin.display(description=_("amount"))
    def display_amount(self, subscription: Subscription) -> str:
        return subscription.display_amount or "-"

    @admin.display(description=_("next charge"))
    def next_charge_at(self, subscription: Subscription) -> str:
        return to_the_second(subscription.next_charge_at) if subscription.next_charge_at else "-"

    @admin.display(description=_("access until"))
    def grace_ends_at(self, subscription: Subscription) -> str:
        return to_the_second(subscription.grace_ends_at) if subscription.grace_ends_at else "-"

    @admin.display(description=_("items"))
    def item_lines(self, subscription: Subscription) -> SafeString | str:
        return preformatted(subscription.items) if subscription.items else "-"

    @admin.display(description=_("next phase"))
    def phase(self, subscription: Subscription) -> SafeString | str:
        return preformatted(subscription.next_phase) if subscription.next_phase else "-"


def facts(subscription: Subscription) -> Iterator[tuple[Any, Any]]:
    """Yield links to everything related to the subscription."""
    if subscription.customer:
        yield _("User"), links.to_row(subscription.customer.user) if subscription.customer.user else "-"
        yield _("Customer"), links.to_row(subscription.customer)
    if subscription.open_payment:
        yield _("Open payment"), links.to_row(subscription.open_payment)
    yield _("Payments"), links.to_list(Payment, subscription.pk, gettext("search for its payments"))
    # These are the emails about its trial and its end. Receipts are linked from the payments.
    yield _("Emails"), links.to_emails(subscription.pk)
    yield _("Stripe events"), links.to_events(subscription.pk)
