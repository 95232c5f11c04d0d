"""Disputes and early fraud warnings, with links to the pages at Stripe where staff respond to them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from billing.admin import links
from billing.models import Dispute, EarlyFraudWarning
from common.admin import ReadOnlyAdmin
from common.display import BadgeClass


class BankNoticeAdmin(ReadOnlyAdmin):
    """What both lists have in common. Rows of other products on the same Stripe account aren't shown."""

    list_select_related = ["payment"]

    class Media:
        css = {"all": ["billing/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).exclude(payment=None)

    @admin.display(description=_("payment"))
    def of_payment(self, notice: Dispute | EarlyFraudWarning) -> SafeString | str:
        return links.to_row(notice.payment) if notice.payment else "-"

    @admin.display(description=_("at Stripe"))
    def at_stripe(self, notice: Dispute | EarlyFraudWarning) -> SafeString:
        return links.to_stripe(notice.stripe_url)

    @admin.display(description=_("emails"))
    def emails(self, notice: Dispute | EarlyFraudWarning) -> SafeString | str:
        return links.to_emails(notice.pk)

    @admin.display(description=_("Stripe events"))
    def events(self, notice: Dispute | EarlyFraudWarning) -> SafeString | str:
        return links.to_events(notice.pk)


@admin.register(Dispute)
class DisputeAdmin(BankNoticeAdmin):
    list_display = ["opened_at", "display_amount", "badge", "at_stripe", "evidence_due_at", "reason", "of_payment"]
    list_filter = ["status", "reason", "livemode"]
    search_fields = ["=id", "=charge", "=payment_intent"]
    search_help_text = _("Search by Stripe ID: du_…, dp_…, ch_…, pi_…")
    fields = [
        "id",
        "badge",
        "at_stripe",
        "of_payment",
        "display_amount",
        "reason",
        "opened_at",
        "evidence_due_at",
        "has_evidence",
        "reminded_for",
        "livemode",
        "charge",
        "payment_intent",
        "emails",
        "events",
    ]
    readonly_fields = ["badge", "at_stripe", "of_payment", "display_amount", "emails", "events"]

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
    def badge(self, dispute: Dispute) -> SafeString:
        return badge(dispute.status.replace("_", " "), badge_class(dispute))


@admin.register(EarlyFraudWarning)
class EarlyFraudWarningAdmin(BankNoticeAdmin):
    list_display = ["warned_at", "fraud_type", "is_actionable", "of_payment", "at_stripe"]
    list_filter = ["is_actionable", "fraud_type", "livemode"]
    search_fields = ["=id", "=charge", "=payment_intent"]
    search_help_text = _("Search by Stripe ID: issfr_…, ch_…, pi_…")
    fields = [
        "id",
        "at_stripe",
        "of_payment",
        "fraud_type",
        "is_actionable",
        "warned_at",
        "livemode",
        "charge",
        "payment_intent",
        "emails",
        "events",
    ]
    readonly_fields = ["at_stripe", "of_payment", "emails", "events"]


def waiting() -> QuerySet[Dispute]:
    return Dispute.objects.ours().unanswered()


def badge(text: str, css_class: BadgeClass) -> SafeString:
    return format_html('<span class="badge {}">{}</span>', css_class, text)


def badge_class(dispute: Dispute) -> BadgeClass:
    if dispute.is_settled:
        return BadgeClass.GOOD
    return BadgeClass.BAD if dispute.is_lost or dispute.needs_response else BadgeClass.WAIT
