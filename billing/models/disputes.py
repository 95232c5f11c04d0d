"""Disputes and early fraud warnings: what the buyer's bank says about a payment."""

from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from common.money import format_amount

# The money is ours again, or still.
SETTLED = ("won", "warning_closed", "prevented")
NEEDS_RESPONSE = ("needs_response", "warning_needs_response")
# How long before Stripe's deadline staff are reminded of missing evidence.
REMINDER = timedelta(days=3)
DASHBOARD = "https://dashboard.stripe.com"


class BankNotice(models.Model):
    """What both kinds have in common: the payment that the bank reports, under Stripe's names for it.

    Others can use the same Stripe account, and an event about a payment can arrive before the payment's own. So the row
    exists before its payment is known, and ``payment`` stays empty for good if the payment isn't ours.
    """

    charge = models.CharField(_("charge"), max_length=255, blank=True, db_index=True)
    payment_intent = models.CharField(_("payment intent"), max_length=255, blank=True, db_index=True)
    payment = models.ForeignKey("billing.Payment", null=True, verbose_name=_("payment"), on_delete=models.SET_NULL)
    livemode = models.BooleanField(_("real money"), default=False, db_default=False)
    version = models.CharField(max_length=300, blank=True)

    class Meta:
        abstract = True

    @property
    def dashboard(self) -> str:
        """The start of the URLs of Stripe's Dashboard, which has its own pages for test mode."""
        return DASHBOARD if self.livemode else f"{DASHBOARD}/test"


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def ours(self) -> Self:
        return self.exclude(payment=None)

    def unsettled(self) -> Self:
        """Keep the disputes that are open or lost: the bank may take the money, or took it."""
        return self.exclude(status__in=(*SETTLED, ""))

    def unanswered(self) -> Self:
        return self.filter(status__in=NEEDS_RESPONSE, has_evidence=False)

    def to_remind(self) -> Self:
        """Keep those of ours whose evidence is due soon, is missing, and that nobody has been reminded of."""
        is_due_soon = Q(evidence_due_at__gt=Now(), evidence_due_at__lte=Now() + REMINDER)
        is_new = Q(reminded_for=None) | ~Q(reminded_for=F("evidence_due_at"))
        return self.ours().unanswered().filter(is_due_soon, is_new)


class Dispute(BankNotice):
    """A dispute in the state that the newest event about it reports: a buyer asks the bank for the money back."""

    id = models.CharField(primary_key=True, max_length=255, help_text="dp_… or du_…")
    amount = models.BigIntegerField(_("amount"), default=0, help_text=_("In minor units."))
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    status = models.CharField(_("status"), max_length=32, blank=True)
    reason = models.CharField(_("reason"), max_length=64, blank=True)
    opened_at = models.DateTimeField(_("opened"), null=True)
    evidence_due_at = models.DateTimeField(
        _("respond by"), null=True, help_text=_("After that, Stripe accepts no evidence.")
    )
    has_evidence = models.BooleanField(
        _("response sent"), default=False, db_default=False, help_text=_("Whether evidence was submitted at Stripe.")
    )
    reminded_for = models.DateTimeField(
        _("staff reminded of"), null=True, help_text=_("The deadline that staff were reminded of.")
    )
    is_announced = models.BooleanField(
        default=False, db_default=False, help_text=_("Whether the signal dispute_opened was sent.")
    )

    objects: ClassVar[DisputeQuerySet] = DisputeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"{self.pk}: {self.display_amount} {self.status.replace('_', ' ')}"

    @property
    def display_amount(self) -> str:
        return format_amount(self.amount, self.currency) if self.currency else ""

    @property
    def is_settled(self) -> bool:
        return self.status in SETTLED

    @property
    def is_lost(self) -> bool:
        return self.status == "lost"

    @property
    def is_open(self) -> bool:
        return bool(self.status) and not self.is_settled and not self.is_lost

    @property
    def needs_response(self) -> bool:
        return self.status in NEEDS_RESPONSE and not self.has_evidence

    @property
    def stripe_url(self) -> str:
        """The page in Stripe's Dashboard where evidence is submitted."""
        return f"{self.dashboard}/disputes/{self.pk}"


class EarlyFraudWarning(BankNotice):
    """A warning of the card's bank that a payment may be fraudulent. A dispute often follows."""

    id = models.CharField(primary_key=True, max_length=255, help_text="issfr_…")
    fraud_type = models.CharField(_("kind of fraud"), max_length=64, blank=True)
    is_actionable = models.BooleanField(
        _("a refund can help"),
        default=False,
        help_text=_("Whether a refund can still prevent a dispute, according to Stripe."),
    )
    warned_at = models.DateTimeField(_("reported"), null=True)

    objects: ClassVar[models.Manager["EarlyFraudWarning"]] = models.Manager()

    class Meta:
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"{self.pk}: {self.fraud_type.replace('_', ' ')}"

    @property
    def stripe_url(self) -> str:
        """The page of the payment in Stripe's Dashboard, where it can be refunded."""
        return f"{self.dashboard}/payments/{self.payment_intent or self.charge}"
