"""Payments, successful or failed, and refunds."""

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import BigIntegerField, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from billing.models.clock import is_ahead
from billing.models.customers import Customer
from common.money import format_amount


class PaymentQuerySet(models.QuerySet["Payment"]):
    def of(self, user_id: int) -> Self:
        return self.filter(Q(user=user_id) | Q(customer__user=user_id))

    def shown(self) -> Self:
        """Leave out invoices that were canceled or written off before anybody tried to collect them."""
        closed = [Payment.Status.CANCELED, Payment.Status.UNCOLLECTIBLE]
        return self.exclude(status__in=closed, attempt=0)

    def paid_for(self, subscription_id: str) -> Self:
        return self.filter(subscription_id=subscription_id, status=Payment.Status.PAID)

    def of_charge(self, charge: str, payment_intent: str) -> Self:
        """Return the payments that this charge paid.

        Newer invoices don't name their payment intent; a separate event does, which is stored as an InvoicePayment.
        """
        linked = InvoicePayment.objects.filter(payment_intent=payment_intent).values("invoice")
        by_intent = Q(payment_intent=payment_intent) | Q(stripe_id__in=linked) if payment_intent else Q(pk=None)
        return self.filter(by_intent | (Q(charge=charge) if charge else Q(pk=None)))

    def with_refunds(self) -> Self:
        """Add ``refunded``, so that ``amount_refunded`` needs no query for each payment."""
        linked = InvoicePayment.objects.filter(invoice=OuterRef(OuterRef("stripe_id"))).values("payment_intent")
        by_intent = Q(payment_intent__in=linked) | Q(payment_intent=OuterRef("payment_intent"))
        of_payment = (by_intent & ~Q(payment_intent="")) | (Q(pk=OuterRef("charge")) & ~Q(pk=""))
        refunded = RefundedCharge.objects.filter(of_payment, currency=OuterRef("currency")).values("currency")
        total = Subquery(refunded.annotate(total=Sum("amount")).values("total"))
        return self.annotate(refunded=Coalesce(total, 0, output_field=BigIntegerField()))


class Payment(models.Model):
    """An invoice, or a one-time purchase through Checkout that has no invoice. One row for each, paid or failed."""

    class Status(models.TextChoices):
        PAID = "paid", _("paid")
        FAILED = "failed", _("failed")
        CANCELED = "canceled", _("canceled")
        UNCOLLECTIBLE = "uncollectible", _("written off")

    stripe_id = models.CharField(unique=True, max_length=255, help_text="The ID at Stripe: in_… or cs_….")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.SET_NULL, related_name="payments")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="payments"
    )
    email = models.CharField(max_length=320, blank=True)
    subscription_id = models.CharField(max_length=255, blank=True)

    status = models.CharField(max_length=16, choices=Status)
    amount = models.BigIntegerField(help_text=_("In minor units: the amount paid or due."))
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=500, blank=True)
    number = models.CharField(max_length=500, blank=True)
    invoice_url = models.URLField(max_length=2000, blank=True, help_text=_("Expires after a month or more."))
    paid_at = models.DateTimeField(null=True)
    attempt = models.BigIntegerField(default=0, help_text=_("The number of the last failed attempt."))
    next_attempt_at = models.DateTimeField(null=True)
    payment_intent = models.CharField(max_length=255, blank=True)
    charge = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects: ClassVar[PaymentQuerySet] = PaymentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["subscription_id"], name="payment_subscription"),
            models.Index(fields=["payment_intent"], condition=~Q(payment_intent=""), name="payment_intent"),
            models.Index(fields=["charge"], condition=~Q(charge=""), name="payment_charge"),
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
    def upcoming_attempt_at(self) -> datetime | None:
        """When Stripe tries again. None if that isn't planned, or if the date has passed."""
        return self.next_attempt_at if self.is_open and is_ahead(self.next_attempt_at) else None

    @property
    def display_amount(self) -> str:
        return format_amount(self.amount, self.currency)

    @property
    def amount_refunded(self) -> int:
        """In minor units of the payment's own currency."""
        if not hasattr(self, "refunded"):
            self.refunded: int = Payment.objects.with_refunds().get(pk=self.pk).refunded
        return self.refunded

    @property
    def display_amount_refunded(self) -> str:
        """Empty if nothing was refunded."""
        return format_amount(self.amount_refunded, self.currency) if self.amount_refunded else ""


class InvoicePayment(models.Model):
    """The payment intent that paid an invoice. Newer invoices don't name it themselves."""

    payment_intent = models.CharField(primary_key=True, max_length=255)
    invoice = models.CharField(max_length=255, db_index=True)

    def __str__(self) -> str:
        return f"{self.payment_intent} for {self.invoice}"


class RefundedCharge(models.Model):
    """A charge that has refunds.

    Stripe reports each refund twice: alone in ``refund.created``, and in a running total in ``charge.refunded``. The
    customer gets an email for whichever event comes first, and the second one doesn't raise the total.
    """

    id = models.CharField(
        primary_key=True, max_length=255, help_text="ch_…, or the payment intent if there is no charge ID."
    )
    payment_intent = models.CharField(max_length=255, blank=True, db_index=True)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField(default=0, help_text=_("In minor units: the total of all refunds."))
    refunds = models.JSONField(default=dict, help_text=_("The amount of each refund, by its ID."))
    announced = models.JSONField(
        _("reported amounts"),
        default=dict,
        help_text=_("How much the total rose, by the event that reported it first."),
    )

    def __str__(self) -> str:
        return f"{format_amount(self.amount, self.currency)} of {self.pk}"
