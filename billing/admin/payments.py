"""Payments: paid, failed, or refunded."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing import states
from billing.admin import links, summaries
from billing.admin.filters import CurrencyFilter
from billing.models import Dispute, EarlyFraudWarning, InvoicePayment, Payment, RefundedCharge, Subscription
from billing.models.payments import PaymentQuerySet
from common.admin import ReadOnlyAdmin
from common.filters import choice_filter, yes_or_no
from common.money import format_amount
from common.summaries import Summary


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ["state", "display_amount", "payer", "description", "number", "created_at"]
    list_display_links = ["state", "display_amount"]
    list_filter = [
        ("status", choice_filter(_("status"), states.PAYMENTS)),
        ("needs_action", yes_or_no(_("confirmation"), yes=_("Awaits confirmation"), no=_("Not needed"))),
        CurrencyFilter,
        "created_at",
    ]
    list_select_related = ["user"]
    search_fields = [
        "=stripe_id",
        "=number",
        "email",
        "user__email",
        "=customer__id",
        "=subscription_id",
        "=payment_intent",
        "=charge",
    ]
    search_help_text = _(
        "Search by email address, invoice number, or Stripe's ID: in_…, cs_…, cus_…, sub_…, pi_…, ch_…"
    )
    empty_text = _("Here you see every payment: paid, failed, or refunded. Nobody has paid yet.")
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "display_amount",
                    "refunds",
                    "description",
                    "number",
                    "email",
                    "created_at",
                    "paid_at",
                    "attempt",
                    "first_failed_at",
                    "last_failed_at",
                    "next_attempt_at",
                ]
            },
        ),
        (_("Details"), {"fields": ["stripe_id", "invoice_url", "payment_intent", "charge"], "classes": ["collapse"]}),
    ]
    readonly_fields = ["display_amount", "refunds"]

    def get_queryset(self, request: HttpRequest) -> PaymentQuerySet:
        found: PaymentQuerySet = super().get_queryset(request)  # type: ignore[assignment]
        return found.with_refunds()

    def summary(self, request: HttpRequest, row: Payment) -> Summary:
        return Summary(states.payment_state(row), *summaries.payment_words(row), facts=[*facts(row)])

    @admin.display(description=_("status"), ordering="status")
    def state(self, payment: Payment) -> SafeString:
        return states.payment_state(payment).badge

    @admin.display(description=_("user"), ordering="user__email")
    def payer(self, payment: Payment) -> SafeString | str:
        return links.to_row(payment.user) if payment.user else payment.email or "-"

    @admin.display(description=_("amount"), ordering="amount")
    def display_amount(self, payment: Payment) -> str:
        return payment.display_amount

    @admin.display(description=_("refunds"))
    def refunds(self, payment: Payment) -> SafeString | str:
        # Only refund events name single refunds. An endpoint that receives just charge.refunded learns the total.
        refunds = [
            (refund_id, format_amount(refund["amount"], charge.currency), refund["status"])
            for charge in charges_of(payment)
            for refund_id, refund in charge.known_refunds.items()
        ]
        return format_html_join("\n", "<p>{}: {} ({})</p>", refunds) or "-"


def facts(payment: Payment) -> Iterator[tuple[Any, Any]]:
    """Yield links to everything related to the payment."""
    yield _("User"), links.to_row(payment.user) if payment.user else payment.email or "-"
    if payment.customer:
        yield _("Customer"), links.to_row(payment.customer)
    if payment.subscription_id:
        subscription = Subscription.objects.filter(pk=payment.subscription_id).first()
        yield _("Subscription"), links.to_row(subscription) if subscription else payment.subscription_id
    for dispute in Dispute.objects.filter(payment=payment):
        yield _("Dispute"), format_html("{} {}", links.to_row(dispute), links.to_stripe(dispute.stripe_url))
    for warning in EarlyFraudWarning.objects.filter(payment=payment):
        yield _("Fraud warning"), links.to_row(warning)
    yield _("Emails"), links.to_emails(payment.stripe_id)
    yield _("Stripe events"), links.to_events(payment.stripe_id)


def charges_of(payment: Payment) -> QuerySet[RefundedCharge]:
    """Return the charges of this payment that have refunds."""
    # Invoices of newer API versions don't name their charge. InvoicePayment links them through the payment intent.
    linked = InvoicePayment.objects.filter(invoice=payment.stripe_id).values("payment_intent")
    by_intent = (Q(payment_intent__in=linked) | Q(payment_intent=payment.payment_intent)) & ~Q(payment_intent="")
    by_charge = Q(pk=payment.charge) | Q(charge=payment.charge) if payment.charge else Q(pk=None)
    return RefundedCharge.objects.filter(by_intent | by_charge)
