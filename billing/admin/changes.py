"""What people changed about their subscriptions here, and what is still being processed."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing import states
from billing.admin import links, summaries
from billing.models import SubscriptionChange
from common.admin import ReadOnlyAdmin, preformatted
from common.filters import status_filter
from common.money import format_amount
from common.summaries import Summary


@admin.register(SubscriptionChange)
class SubscriptionChangeAdmin(ReadOnlyAdmin):
    list_display = ["state", "action", "plan", "subscription_id", "refusal", "created_at", "due_at"]
    list_display_links = ["state", "action"]
    list_filter = [status_filter(_("status"), states.CHANGES), "action", "created_at"]
    search_fields = ["=subscription__id"]
    search_help_text = _("Search by Stripe's ID of the subscription: sub_…")
    empty_text = _("Here you see when people change, cancel, or resume their plan. Nobody has done so yet.")
    fieldsets = [
        (None, {"fields": ["action", "plan", "confirmed_amount", "refusal", "created_at", "due_at", "finished_at"]}),
        (_("Details"), {"fields": ["failures", "request_form"], "classes": ["collapse"]}),
    ]
    readonly_fields = ["confirmed_amount", "request_form"]
    shown_with = {"confirmed_amount": "amount_due", "request_form": "parameters"}

    def summary(self, request: HttpRequest, row: SubscriptionChange) -> Summary:
        facts = [(_("User"), links.to_row(row.user)), (_("Subscription"), links.to_row(row.subscription))]
        return Summary(states.change_state(row), *summaries.change_words(row), facts=facts)

    @admin.display(description=_("status"), ordering="status")
    def state(self, change: SubscriptionChange) -> SafeString:
        return states.change_state(change).badge

    @admin.display(description=_("confirmed amount"))
    def confirmed_amount(self, change: SubscriptionChange) -> str:
        return "-" if change.amount_due is None else format_amount(change.amount_due, change.currency)

    @admin.display(description=_("request to Stripe"))
    def request_form(self, change: SubscriptionChange) -> SafeString:
        return preformatted(change.parameters)
