"""Payments, successful or failed, and refunds."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import BigIntegerField, Case, Exists, F, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce, Least, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.clock import is_ahead
from billing.models.customers import Customer
from billing.models.disputes import SETTLED, Dispute, EarlyFraudWarning
from common.money import Amount, format_amount

# Written by hand because it runs with many events: compiling it with the ORM takes longer than running it.
OPEN = "SELECT * FROM billing_payment WHERE subscription_id = %s AND status = 'failed'"
INVOICE_LINK_LIFE = timedelta(days=30)  # Stripe's pages of invoices expire afterwards


def same_payment() -> Q:
    """Return the condition for rows with a charge and a payment intent that are about the payment outside a subquery.

    Newer invoices don't name their payment intent; a separate event does, which is stored as an InvoicePayment.
    """
    linked = InvoicePayment.objects.filter(invoice=OuterRef(OuterRef("stripe_id"))).values("payment_intent")
    by_intent = Q(payment_intent__in=linked) | Q(payment_intent=OuterRef("payment_intent"))
    return (by_intent & ~Q(payment_intent="")) | (Q(charge=OuterRef("charge")) & ~Q(charge=""))


class PaymentQuerySet(models.QuerySet["Payment"]):
    def of(self, user_id: int) -> Self:
        # Two queries, because with OR, the database would read all payments to compare each with both.
        payments = Payment.objects.order_by().values("pk")
        return self.filter(pk__in=payments.filter(user=user_id).union(payments.filter(customer__user=user_id)))

    def shown(self) -> Self:
        """Leave out invoices that were canceled or written off before anybody tried to collect them."""
        closed = [Payment.Status.CANCELED, Payment.Status.UNCOLLECTIBLE]
        return self.exclude(status__in=closed, attempt=0)

    def paid_for(self, subscription_id: str) -> Self:
        return self.filter(subscription_id=subscription_id, status=Payment.Status.PAID)

    def open_of(self, subscription_id: str) -> "list[Payment]":
        """Return the failed payments of the subscription."""
        return list(self.raw(OPEN, [subscription_id]))

    def of_charge(self, charge: str, payment_intent: str) -> Self:
        """Return the payments that this charge paid.

        Newer invoices don't name their payment intent; a separate event does, which is stored as an InvoicePayment.
        """
        linked = InvoicePayment.objects.filter(payment_intent=payment_intent).values("invoice")
        by_intent = Q(payment_intent=payment_intent) | Q(stripe_id__in=linked) if payment_intent else Q(pk=None)
        return self.filter(by_intent | (Q(charge=charge) if charge else Q(pk=None)))

    def with_refunds(self) -> Self:
        """Add what ``amount_refunded`` and ``dispute_status`` would otherwise query for each payment."""
        of_payment = same_payment() | Q(pk=OuterRef("charge"))
        refunded = RefundedCharge.objects.filter(of_payment, currency=OuterRef("currency")).values("currency")
        total = Subquery(refunded.annotate(total=Sum("amount")).values("total"))
        # Never more than was paid, whatever Stripe reports.
        amount = Least(Coalesce(total, 0, output_field=BigIntegerField()), F("amount"))
        # The newest one, unless it is settled and another one isn't.
        settled_last = Case(When(status__in=SETTLED, then=1), default=0)
        disputes = Dispute.objects.filter(same_payment()).order_by(settled_last, "-version").values("status")
        return self.annotate(
            refunded=amount,
            disputed=Coalesce(Subquery(disputes[:1]), Value("")),
            warned=Exists(EarlyFraudWarning.objects.filter(same_payment())),
        )


class Payment(models.Model):
    """An invoice, or a one-time purchase through Checkout that has no invoice. One row for each, paid or failed."""

    class Status(models.TextChoices):
        PAID = "paid", _("paid")
        FAILED = "failed", _("failed")
        CANCELED = "canceled", _("canceled")
        UNCOLLECTIBLE = "uncollectible", _("written off")

    stripe_id = models.CharField(
        _("ID at Stripe"), unique=True, max_length=255, help_text="The ID at Stripe: in_… or cs_…."
    )
    customer = models.ForeignKey(
        Customer, null=True, verbose_name=_("customer"), on_delete=models.SET_NULL, related_name="payments"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        verbose_name=_("user"),
        on_delete=models.SET_NULL,
        related_name="payments",
    )
    email = models.CharField(_("email address"), max_length=320, blank=True)
    subscription_id = models.CharField(_("subscription"), max_length=255, blank=True)

    status = models.CharField(_("status"), max_length=16, choices=Status)
    amount = models.BigIntegerField(_("amount"), help_text=_("In minor units: the amount paid or due."))
    currency = models.CharField(_("currency"), max_length=3)
    presented_amount = models.BigIntegerField(
        null=True, help_text=_("What the buyer saw and paid, if it was in another currency.")
    )
    presented_currency = models.CharField(max_length=3, blank=True, db_default="")
    description = models.CharField(_("description"), max_length=500, blank=True)
    product = models.CharField(
        max_length=64, blank=True, db_default="", help_text=_("The slug of the product, if it was paid once.")
    )
    number = models.CharField(_("invoice number"), max_length=500, blank=True)
    invoice_url = models.URLField(
        _("invoice page"), max_length=2000, blank=True, help_text=_("Expires after a month or more.")
    )
    paid_at = models.DateTimeField(_("paid"), null=True)
    attempt = models.BigIntegerField(
        _("failed attempts"), default=0, help_text=_("The number of the last failed attempt.")
    )
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True)
    needs_action = models.BooleanField(
        _("awaits confirmation"),
        default=False,
        db_default=False,
        help_text=_("The bank asks the customer to confirm it (3-D Secure)."),
    )
    first_failed_at = models.DateTimeField(_("first failed"), null=True)
    last_failed_at = models.DateTimeField(_("last failed"), null=True)
    payment_intent = models.CharField(_("payment intent"), max_length=255, blank=True)
    charge = models.CharField(_("charge"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    objects: ClassVar[PaymentQuerySet] = PaymentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["subscription_id"], name="payment_subscription"),
            models.Index(fields=["subscription_id"], condition=Q(status="failed"), name="payment_open"),
            models.Index(fields=["payment_intent"], condition=~Q(payment_intent=""), name="payment_intent"),
            models.Index(fields=["charge"], condition=~Q(charge=""), name="payment_charge"),
            models.Index(fields=["paid_at"], condition=Q(paid_at__isnull=False), name="payment_paid_at"),
            models.Index(
                fields=["last_failed_at"], condition=Q(last_failed_at__isnull=False), name="payment_failed_at"
            ),
            models.Index(fields=["email"], condition=~Q(email=""), name="payment_email"),
            models.Index(fields=["created_at", "id"], name="payment_created"),
        ]

    def __str__(self) -> str:
        return f"{self.display_amount} {self.get_status_display()}"

    @property
    def is_paid(self) -> bool:
        return self.status == self.Status.PAID

    @property
    def is_open(self) -> bool:
        """Whether the customer still owes the amount."""
        return self.status == self.Status.FAILED

    @property
    def is_invoice(self) -> bool:
        """Whether it is an invoice, and not a sale through Checkout without one."""
        return self.stripe_id.startswith("in_")

    @property
    def is_awaiting_action(self) -> bool:
        """Whether the customer has to confirm it with their bank. Nothing is wrong with the card."""
        return self.is_open and self.needs_action

    @property
    def link(self) -> str:
        """The URL of the invoice's page at Stripe, or an empty string once it has expired."""
        return self.invoice_url if timezone.now() - self.created_at < INVOICE_LINK_LIFE else ""

    @property
    def upcoming_attempt_at(self) -> datetime | None:
        """When Stripe tries again. None if that isn't planned, or if the date has passed."""
        return self.next_attempt_at if self.is_open and is_ahead(self.next_attempt_at) else None

    @property
    def shown_amount(self) -> Amount:
        """The amount as the buyer saw it. It can be in a currency other than ours."""
        if self.presented_amount is None:
            return Amount(self.amount, self.currency)
        return Amount(self.presented_amount, self.presented_currency)

    @property
    def display_amount(self) -> str:
        return str(self.shown_amount)

    @property
    def amount_refunded(self) -> int:
        """In minor units of the payment's own currency."""
        self._query_refunds()
        return self.refunded

    @property
    def dispute_status(self) -> str:
        """Stripe's status of the newest dispute that is open or lost, or else of the newest one.

        It is empty if there is none.
        """
        self._query_refunds()
        return self.disputed

    @property
    def is_disputed(self) -> bool:
        """Whether the bank took the money, or may take it."""
        return bool(self.dispute_status) and self.dispute_status not in SETTLED

    @property
    def has_fraud_warning(self) -> bool:
        """Whether the bank suspects fraud. Only for staff."""
        self._query_refunds()
        return self.warned

    def _query_refunds(self) -> None:
        if not hasattr(self, "refunded"):
            row = Payment.objects.with_refunds().get(pk=self.pk)
            self.refunded: int = row.refunded
            self.disputed: str = row.disputed
            self.warned: bool = row.warned

    @property
    def display_amount_refunded(self) -> str:
        """Empty if nothing was refunded. A part is in our currency, because nobody reports what the buyer saw of it."""
        if self.amount_refunded == self.amount:
            return self.display_amount
        return format_amount(self.amount_refunded, self.currency) if self.amount_refunded else ""


class InvoicePayment(models.Model):
    """The payment intent that paid an invoice. Newer invoices don't name it themselves."""

    payment_intent = models.CharField(primary_key=True, max_length=255)
    invoice = models.CharField(max_length=255, db_index=True)

    def __str__(self) -> str:
        return f"{self.payment_intent} for {self.invoice}"


class RefundedChargeQuerySet(models.QuerySet["RefundedCharge"]):
    def named(self, *names: str) -> Self:
        """Return the charges with one of these names: IDs of charges or payment intents."""
        known = [name for name in names if name]
        return self.filter(Q(pk__in=known) | Q(charge__in=known) | Q(payment_intent__in=known))


class RefundedCharge(models.Model):
    """A charge that has refunds, which Stripe reports in two ways: each alone, and in a running total.

    Both can name the charge, its payment intent, or both. The customer gets one email for what either of them adds.
    """

    id = models.CharField(
        primary_key=True, max_length=255, help_text="ch_…, or the payment intent if there is no charge ID."
    )
    charge = models.CharField(max_length=255, blank=True, db_default="")
    payment_intent = models.CharField(max_length=255, blank=True, db_index=True)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField(default=0, help_text=_("In minor units: the total of all refunds that succeeded."))
    reported_total = models.BigIntegerField(
        default=0, db_default=0, help_text=_("The highest total in Stripe's events. It counts pending refunds too.")
    )
    refunds = models.JSONField(default=dict, help_text=_("The amount, status, and version of each refund, by its ID."))
    announced = models.JSONField(
        _("reported amounts"),
        default=dict,
        help_text=_("The amounts in emails to the customer, by the event that caused each."),
    )

    class Meta:
        indexes = [models.Index(fields=["charge"], condition=~Q(charge=""), name="refunded_charge")]

    objects: ClassVar[RefundedChargeQuerySet] = RefundedChargeQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{format_amount(self.amount, self.currency)} of {self.pk}"

    @property
    def refunded_total(self) -> int:
        """What succeeded, in minor units.

        The running total counts only if no refund is known to be unfinished or undone, because it may contain those.
        """
        known = self.known_refunds.values()
        succeeded: int = sum(refund["amount"] for refund in known if refund["status"] == "succeeded")
        is_certain = all(refund["status"] == "succeeded" for refund in known)
        return max(succeeded, self.reported_total) if is_certain else succeeded

    @property
    def known_refunds(self) -> dict[str, dict[str, Any]]:
        """The refunds by ID. Before their status was stored, only amounts of those that succeeded were."""
        return {
            refund_id: refund if isinstance(refund, dict) else {"amount": refund, "status": "succeeded", "version": ""}
            for refund_id, refund in self.refunds.items()
        }

    @property
    def announced_total(self) -> int:
        announced: dict[str, int] = self.announced
        return sum(announced.values())
