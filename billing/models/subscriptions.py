"""Subscriptions, in the state that the newest event about each of them reports."""

from datetime import UTC, datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Case, Q, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.customers import Customer
from billing.plans import Plan, known_price_ids, plan_by_price
from common.db import execute
from common.money import format_amount

FINAL = ("canceled", "incomplete_expired")
# It is our policy that access continues while Stripe retries a failed card.
WITH_ACCESS = ("active", "trialing", "past_due")


# Written by hand because it runs with every first payment: compiling it with the ORM takes ten times as long as running
# it.
ACTIVATE = "UPDATE billing_subscription SET status = 'active' WHERE id = %s AND status = 'incomplete'"


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def activate(self, subscription_id: str) -> bool:
        """Activate the subscription if it is incomplete. Returns whether it was."""
        return execute(ACTIVATE, subscription_id) == 1

    def of(self, user_id: int) -> Self:
        return self.filter(customer__user=user_id)

    def with_access(self) -> Self:
        """Keep the subscriptions that give access: to a plan of ours, at its current price or a former one."""
        return self.filter(status__in=WITH_ACCESS, price_id__in=known_price_ids())

    def live(self) -> Self:
        """Keep the subscriptions that Stripe charges for, now or once a problem is solved.

        Incomplete ones aren't among them: if the first payment never succeeded, the person may buy again.
        """
        return self.exclude(Q(status__in=FINAL) | Q(status="incomplete"))

    def current_of(self, user_id: int) -> "Subscription | None":
        """Return what a person means by "my subscription": one with access, else one that may have it again, else the
        one that ended last."""
        has_access = Q(status__in=WITH_ACCESS, price_id__in=known_price_ids())
        rank = Case(When(has_access, then=0), When(status__in=FINAL, then=2), default=1)
        return self.of(user_id).order_by(rank, "-version").first()


class Subscription(models.Model):
    """A subscription in Stripe's own terms. A status that we don't know gives no access.

    Stripe reports its state in events that arrive more than once and in any order. Two groups of fields deal with that:
    ``version`` orders the reports, so that an older one never overwrites a newer one (services/versions.py), and
    ``refresh_*`` schedule a question to Stripe, because only its answer is certain (services/reconciliation.py).
    """

    id = models.CharField(primary_key=True, max_length=255, help_text="sub_…")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.CASCADE, related_name="subscriptions")
    status = models.CharField(max_length=32)
    price_id = models.CharField(max_length=255, blank=True)
    unit_amount = models.BigIntegerField(default=0, help_text=_("In minor units."))
    currency = models.CharField(max_length=3, blank=True)
    interval = models.CharField(max_length=16, blank=True)
    quantity = models.BigIntegerField(default=1)
    current_period_end = models.DateTimeField(null=True)
    trial_end = models.DateTimeField(null=True)
    cancel_at = models.DateTimeField(null=True, help_text=_("When it will end."))
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=64, blank=True)

    first_paid_at = models.DateTimeField(null=True, help_text=_("When Stripe reported its Checkout as settled."))
    version = models.CharField(max_length=300, blank=True, help_text=_("The highest version reported by Stripe wins."))
    refresh_at = models.DateTimeField(null=True, help_text=_("When we ask Stripe for its current state."))
    refresh_failures = models.PositiveSmallIntegerField(default=0, help_text=_("Failed attempts to ask Stripe."))

    objects: ClassVar[SubscriptionQuerySet] = SubscriptionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-version"]
        indexes = [
            models.Index(fields=["refresh_at"], condition=Q(refresh_at__isnull=False), name="subscription_refresh"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_name or self.pk}: {self.status}"

    @property
    def plan(self) -> Plan | None:
        return plan_by_price(self.price_id)

    @property
    def plan_name(self) -> str:
        return self.plan.name if self.plan else ""

    @property
    def updated_at(self) -> datetime | None:
        """When Stripe last reported the state, by Stripe's clock."""
        seconds = self.version.partition(".")[0]
        return datetime.fromtimestamp(int(seconds), UTC) if seconds else None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def gives_access(self) -> bool:
        return self.status in WITH_ACCESS and self.plan is not None

    @property
    def amount(self) -> int:
        """The price of one interval, in minor units."""
        return self.unit_amount * self.quantity

    @property
    def display_amount(self) -> str:
        return format_amount(self.amount, self.currency) if self.currency else ""

    @property
    def next_charge_at(self) -> datetime | None:
        """None if no charge is planned."""
        is_charged = self.status in ("active", "trialing") and self.cancel_at is None
        period_end = self.current_period_end if is_charged else None
        return period_end if period_end is not None and period_end > timezone.now() else None
