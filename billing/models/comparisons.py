"""The daily comparison with Stripe: how far it is, and where Stripe and this database differ."""

from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

# An event that is on its way explains a difference, so one counts only if it is still there after this.
GRACE = timedelta(minutes=10)


class Comparison(models.Model):
    """The state of the comparison, in one row. It survives restarts, so a round goes on where the last one stopped."""

    class Phase(models.TextChoices):
        SUBSCRIPTIONS = "subscriptions", _("walks along the subscriptions at Stripe")
        MISSING_SUBSCRIPTIONS = "missing_subscriptions", _("asks about subscriptions that weren't among them")
        CUSTOMERS = "customers", _("walks along the customers at Stripe")
        MISSING_CUSTOMERS = "missing_customers", _("asks about customers that weren't among them")
        CONFIRMATION = "confirmation", _("checks the differences again")

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    phase = models.CharField(max_length=32, choices=Phase, default=Phase.SUBSCRIPTIONS)
    cursor = models.CharField(max_length=255, blank=True, help_text=_("The last object of the last page."))
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, help_text=_("When the last comparison was complete."))
    due_at = models.DateTimeField(db_default=Now(), help_text=_("When the next round starts."))
    failures = models.PositiveSmallIntegerField(default=0, help_text=_("Failed rounds in a row."))
    compared = models.BigIntegerField(default=0, help_text=_("Subscriptions and customers that were compared."))

    objects: ClassVar[models.Manager["Comparison"]] = models.Manager()

    def __str__(self) -> str:
        return self.get_phase_display()


class DriftQuerySet(models.QuerySet["Drift"]):
    def open(self) -> Self:
        return self.exclude(confirmed_at=None).filter(closed_at=None)

    def suspected(self) -> Self:
        """Keep the differences that still have to be confirmed."""
        return self.filter(confirmed_at=None, closed_at=None)

    def due(self) -> Self:
        return self.suspected().filter(found_at__lte=Now() - GRACE)

    def of(self, object_id: str) -> Self:
        return self.filter(object_id=object_id, closed_at=None)


class Drift(models.Model):
    """A subscription or customer that differs from Stripe, although no event about it is on its way.

    ``differences`` has ``[ours, Stripe's]`` by field. Email addresses aren't in it, so that an erasure has nothing to
    find here.
    """

    class Kind(models.TextChoices):
        SUBSCRIPTION = "subscription", _("subscription")
        CUSTOMER = "customer", _("customer")

    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    object_id = models.CharField(_("ID at Stripe"), max_length=255, help_text=_("Its ID at Stripe."))
    differences = models.JSONField(_("differences"), default=dict)
    found_at = models.DateTimeField(_("found"), db_default=Now())
    checked_at = models.DateTimeField(
        _("last checked"), db_default=Now(), help_text=_("When Stripe was last asked about it.")
    )
    confirmed_at = models.DateTimeField(
        _("confirmed"), null=True, help_text=_("When it was still there after ten minutes.")
    )
    closed_at = models.DateTimeField(_("resolved"), null=True, help_text=_("When both agreed again."))

    objects: ClassVar[DriftQuerySet] = DriftQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("difference from Stripe")
        verbose_name_plural = _("differences from Stripe")
        ordering = ["-found_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["object_id"], condition=models.Q(closed_at=None), name="one_open_drift_an_object"
            )
        ]
        indexes = [
            models.Index(fields=["found_at"], condition=models.Q(closed_at=None), name="drift_open"),
            models.Index(fields=["closed_at"], condition=models.Q(closed_at__isnull=False), name="drift_closed"),
        ]

    def __str__(self) -> str:
        return f"{self.object_id}: {', '.join(self.differences)}"

    @property
    def is_open(self) -> bool:
        return self.confirmed_at is not None and self.closed_at is None
