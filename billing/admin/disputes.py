"""Disputes and early fraud warnings, with links to the pages at Stripe where staff respond to them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from billing import states
from billing.admin import links, summaries
from billing.admin.filters import LIVE
from billing.models import Dispute, EarlyFraudWarning
from common.admin import ReadOnlyAdmin
from common.filters import ValuesFilter, in_words, status_filter, yes_or_no
from common.summaries import Summary


class BankNoticeAdmin(ReadOnlyAdmin):
    """What both lists have in common. Rows of other products on the same Stripe account aren't shown."""

    list_select_related = ["payment"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).exclude(payment=None).select_related("payment")

    def facts(self, notice: Dispute | EarlyFraudWarning) -> list[tuple[Any, Any]]:
        return [
            (_("At Stripe"), links.to_stripe(notice.stripe_url)),
            (_("Payment"), self.of_payment(notice)),
            (_("Emails"), links.to_emails(notice.pk)),
            (_("Stripe events"), links.to_events(notice.pk)),
        ]

    @admin.display(description=_("payment"))
    def of_payment(self, notice: Dispute | EarlyFraudWarning) -> SafeString | str:
        return links.to_row(notice.payment) if notice.payment else "-"

    @admin.display(description=_("at Stripe"))
    def at_stripe(self, notice: Dispute | EarlyFraudWarning) -> SafeString:
        return links.to_stripe(notice.stripe_url)


@admin.register(Dispute)
class DisputeAdmin(BankNoticeAdmin):
    list_display = ["state", "display_amount", "evidence_due_at", "why", "of_payment", "at_stripe", "opened_at"]
    list_display_links = ["state", "display_amount"]
    list_filter = [status_filter(_("status"), states.DISPUTES), ("reason", ValuesFilter), LIVE]
    search_fields = ["=id", "=charge", "=payment_intent"]
    search_help_text = _("Search by Stripe's ID: du_…, dp_…, ch_…, pi_…")
    empty_text = _("Here you see payments that buyers asked their bank to take back. Nobody has done so yet.")
    fieldsets = [
        (None, {"fields": ["display_amount", "why", "opened_at", "evidence_due_at", "has_evidence", "reminded_for"]}),
        (_("Details"), {"fields": ["id", "livemode", "charge", "payment_intent"], "classes": ["collapse"]}),
    ]
    readonly_fields = ["display_amount", "why"]

    def summary(self, request: HttpRequest, row: Dispute) -> Summary:
        return Summary(states.dispute_state(row), *summaries.dispute_words(row), facts=self.facts(row))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if self.has_view_permission(request) and (count := waiting().count()):
            messages.warning(
                request,
                ngettext("%d dispute needs a response.", "%d disputes need a response.", count) % count,
            )
        return super().changelist_view(request, extra_context)

    @admin.display(description=_("amount"), ordering="amount")
    def display_amount(self, dispute: Dispute) -> str:
        return dispute.display_amount or "-"

    @admin.display(description=_("status"), ordering="status")
    def state(self, dispute: Dispute) -> SafeString:
        return states.dispute_state(dispute).badge

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, dispute: Dispute) -> str:
        return in_words(dispute.reason) or "-"


@admin.register(EarlyFraudWarning)
class EarlyFraudWarningAdmin(BankNoticeAdmin):
    list_display = ["state", "why", "of_payment", "at_stripe", "warned_at"]
    list_display_links = ["state", "why"]
    list_filter = [
        ("is_actionable", yes_or_no(_("status"), yes=_("A refund can help"), no=_("For information"))),
        ("fraud_type", ValuesFilter),
        LIVE,
    ]
    search_fields = ["=id", "=charge", "=payment_intent"]
    search_help_text = _("Search by Stripe's ID: issfr_…, ch_…, pi_…")
    empty_text = _("Here you see payments that the card's bank suspects of fraud. None has been reported yet.")
    fieldsets = [
        (None, {"fields": ["why", "is_actionable", "warned_at"]}),
        (_("Details"), {"fields": ["id", "livemode", "charge", "payment_intent"], "classes": ["collapse"]}),
    ]
    readonly_fields = ["why"]

    def summary(self, request: HttpRequest, row: EarlyFraudWarning) -> Summary:
        return Summary(states.warning_state(row), *summaries.warning_words(row), facts=self.facts(row))

    @admin.display(description=_("status"), ordering="is_actionable")
    def state(self, warning: EarlyFraudWarning) -> SafeString:
        return states.warning_state(warning).badge

    @admin.display(description=_("kind of fraud"), ordering="fraud_type")
    def why(self, warning: EarlyFraudWarning) -> str:
        return in_words(warning.fraud_type) or "-"


def waiting() -> QuerySet[Dispute]:
    return Dispute.objects.ours().unanswered()
