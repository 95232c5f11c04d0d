"""Payments: paid, failed, or refunded."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.admin import links
from billing.admin.disputes import badge
from billing.models import Dispute, EarlyFraudWarning, InvoicePayment, Payment, RefundedCharge, Subscription
from billing.models.payments import PaymentQuerySet
from common.admin import ReadOnlyAdmin
from common.display import BadgeClass
from common.money import format_amount


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = [
        "created_at",
        "display_amount",
        "status",
        "needs_confirmation",
        "mark",
        "user",
        "email",
        "description",
        "number",
        "stripe_id",
    ]
    list_filter = ["status", "needs_action", "currency", "created_at"]
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
    search_help_text = _("Search by email address, invoice number, or Stripe ID: in_…, cs_…, cus_…, sub_…, pi_…, ch_…")
    fields = [
        "stripe_id",
        "number",
        "status",
        "display_amount",
        "refunded",
        "refunds",
        "disputes",
        "fraud_warnings",
        "description",
        "user",
        "email",
        "customer",
        "subscription",
        "paid_at",
        "attempt",
        "next_attempt_at",
        "needs_confirmation",
        "first_failed_at",
        "last_failed_at",
        "invoice_url",
        "payment_intent",
        "charge",
        "created_at",
        "emails",
        "events",
    ]
    readonly_fields = [
        "display_amount",
        "refunded",
        "refunds",
        "disputes",
        "fraud_warnings",
        "needs_confirmation",
        "subscription",
        "emails",
        "events",
    ]

    class Media:
        css = {"all": ["billing/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> PaymentQuerySet:
        found: PaymentQuerySet = super().get_queryset(request)  # type: ignore[assignment]
        return found.with_refunds()

    @admin.display(description=_("bank"))
    def mark(self, payment: Payment) -> SafeString | str:
        if payment.is_disputed:
            return badge(gettext("Disputed"), BadgeClass.BAD)
        return badge(gettext("Fraud suspected"), BadgeClass.WAIT) if payment.has_fraud_warning else "-"

    @admin.display(description=_("awaits confirmation"), boolean=True)
    def needs_confirmation(self, payment: Payment) -> bool:
        return payment.is_awaiting_action

    @admin.display(description=_("amount"), ordering="amount")
    def display_amount(self, payment: Payment) -> str:
        return payment.display_amount

    @admin.display(description=_("refunded"))
    def refunded(self, payment: Payment) -> str:
        return format_amount(payment.amount_refunded, payment.currency)

    @admin.display(description=_("refunds"))
    def refunds(self, payment: Payment) -> SafeString | str:
        # Only refund events name single refunds. An endpoint that receives just charge.refunded learns the total.
        refunds = [
            (refund_id, format_amount(refund["amount"], charge.currency), refund["status"])
            for charge in charges_of(payment)
            for refund_id, refund in charge.known_refunds.items()
        ]
        return format_html_join("\n", "<p>{}: {} ({})</p>", refunds) or "-"

    @admin.display(description=_("disputes"))
    def disputes(self, payment: Payment) -> SafeString | str:
        rows = Dispute.objects.filter(payment=payment)
        return (
            format_html_join(
                "\n", "<p>{} {}</p>", ((links.to_row(row), links.to_stripe(row.stripe_url)) for row in rows)
            )
            or "-"
        )

    @admin.display(description=_("early fraud warnings"))
    def fraud_warnings(self, payment: Payment) -> SafeString | str:
        rows = EarlyFraudWarning.objects.filter(payment=payment)
        return format_html_join("\n", "<p>{}</p>", ((links.to_row(row),) for row in rows)) or "-"

    @admin.display(description=_("subscription"))
    def subscription(self, payment: Payment) -> SafeString | str:
        subscription = (
            Subscription.objects.filter(pk=payment.subscription_id).first() if payment.subscription_id else None
        )
        return links.to_row(subscription) if subscription else payment.subscription_id or "-"

    @admin.display(description=_("emails"))
    def emails(self, payment: Payment) -> SafeString | str:
        return links.to_emails(payment.stripe_id)

    @admin.display(description=_("Stripe events"))
    def events(self, payment: Payment) -> SafeString | str:
        return links.to_events(payment.stripe_id)


def charges_of(payment: Payment) -> QuerySet[RefundedCharge]:
    """Return the charges of this payment that have refunds."""
    # Invoices of newer API versions don't name their charge. InvoicePayment links them through the payment intent.
    linked = InvoicePayment.objects.filter(invoice=payment.stripe_id).values("payment_intent")
    by_intent = (Q(payment_intent__in=linked) | Q(payment_intent=payment.payment_intent)) & ~Q(payment_intent="")
    by_charge = Q(pk=payment.charge) | Q(charge=payment.charge) if payment.charge else Q(pk=None)
    return RefundedCharge.objects.filter(by_intent | by_charge)
