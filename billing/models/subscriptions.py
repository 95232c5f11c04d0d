"""Subscriptions, in the state that the newest event about each of them reports."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.clock import has_passed, is_ahead
from billing.models.customers import Customer
from billing.models.suspensions import is_suspended, not_suspended
from billing.plans import Plan, known_price_ids, plan_by_price
from common.db import execute
from common.money import format_amount

FINAL = ("canceled", "incomplete_expired")
# It is our policy that access continues while Stripe retries a failed card.
WITH_ACCESS = ("active", "trialing", "past_due")


# Written by hand because it runs with every first payment: compiling it with the ORM takes ten times as long as running
# it.
ACTIVATE = "UPDATE billing_subscription SET status = 'active' WHERE id = %s AND status = 'incomplete'"


# Stripe's own events and answers come first. Only if they don't, the clock decides.
EVENT_DELAY = timedelta(hours=3)
# How often Stripe is asked about a subscription that should have ended.
OVERDUE_INTERVAL = timedelta(days=1)


def has_access() -> Q:
    """Return the condition for access. ``Subscription.gives_access`` says the same about one row."""
    condition = Q(status__in=WITH_ACCESS, price_id__in=known_price_ids()) & not_suspended()
    if settings.STRIPE_SECRET_KEY:
        return condition  # Stripe is asked soon after each date, and only its answer is certain
    now = timezone.now()
    is_abandoned = Q(status="trialing", trial_end__lte=now - EVENT_DELAY) & ~Q(without_card="")
    return condition & (Q(cancel_at=None) | Q(cancel_at__gt=now)) & ~is_abandoned


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def activate(self, subscription_id: str) -> bool:
        """Activate the subscription if it is incomplete. Returns whether it was."""
        return execute(ACTIVATE, subscription_id) == 1

    def of(self, user_id: int) -> Self:
        return self.filter(customer__user=user_id)

    def with_access(self) -> Self:
        """Keep the subscriptions that give access: to a plan of ours, at its current price or a former one."""
        return self.filter(has_access())

    def live(self) -> Self:
        """Keep the subscriptions that Stripe charges for, now or once a problem is solved.

        Incomplete ones aren't among them: if the first payment never succeeded, the person may buy again.
        """
        return self.exclude(Q(status__in=FINAL) | Q(status="incomplete"))

    def current_of(self, user_id: int) -> "Subscription | None":
        """Return what a person means by "my subscription": one with access, else one that may have it again, else the
        one that ended last."""
        rank = Case(When(has_access(), then=0), When(status__in=FINAL, then=2), default=1)
        return self.of(user_id).order_by(rank, "-version").first()

    def others_of(self, user_id: int, current: "Subscription | None") -> Self:
        """Return the other live subscriptions of the user, which are charged as well."""
        if current is None:  # then the user has no subscription at all
            return self.none()
        return self.of(user_id).live().exclude(status="").exclude(pk=current.pk)


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
    recurring_amount = models.BigIntegerField(
        null=True, help_text=_("The sum for each interval, in minor units. Empty if no event proves it.")
    )
    currency = models.CharField(max_length=3, blank=True)
    interval = models.CharField(max_length=16, blank=True)
    interval_count = models.BigIntegerField(null=True)
    quantity = models.BigIntegerField(null=True)
    current_period_end = models.DateTimeField(null=True)
    trial_end = models.DateTimeField(null=True)
    without_card = models.CharField(
        max_length=16, blank=True, db_default="", help_text=_("What the end of the trial does if there is no card.")
    )
    cancel_at = models.DateTimeField(null=True, help_text=_("When it will end."))
    is_collection_paused = models.BooleanField(_("collection paused"), default=False, db_default=False)
    collection_resumes_at = models.DateTimeField(null=True)
    has_schedule = models.BooleanField(
        default=False, db_default=False, help_text=_("A schedule at Stripe will change the price.")
    )
    schedule_version = models.CharField(max_length=300, blank=True, db_default="")
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=64, blank=True)

    ordered_at = models.DateTimeField(null=True, help_text=_("When its Checkout was completed, paid or not."))
    first_paid_at = models.DateTimeField(null=True, help_text=_("When Stripe reported its Checkout as settled."))
    version = models.CharField(max_length=300, blank=True, help_text=_("The highest version reported by Stripe wins."))
    has_begun = models.BooleanField(
        default=False, db_default=False, help_text=_("Whether its start was announced to the rest of the product.")
    )
    announced_trial_end = models.DateTimeField(null=True, help_text=_("The end that was announced last."))
    compared_at = models.DateTimeField(null=True, help_text=_("When Stripe's list of subscriptions last had it."))
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
        return self.status in WITH_ACCESS and self.plan is not None and not self.is_over and not self.is_suspended

    @property
    def is_suspended(self) -> bool:
        """Whether a disputed payment ends the access for now, which its status would give."""
        return self.status in WITH_ACCESS and is_suspended(self.pk)

    @property
    def has_passed_its_end(self) -> bool:
        return has_passed(self.cancel_at)

    @property
    def is_over(self) -> bool:
        """Whether it must have ended by the clock. If Stripe can be asked, only its answer counts."""
        if settings.STRIPE_SECRET_KEY:
            return False
        is_abandoned = self.status == "trialing" and self.without_card and has_passed(self.trial_end, EVENT_DELAY)
        return has_passed(self.cancel_at) or bool(is_abandoned)

    @property
    def next_question_at(self) -> datetime | None:
        """When to ask Stripe if no event arrives until then: some hours after the next date that changes the state."""
        if self.is_final:
            return None
        dates = (self.cancel_at, self.trial_end, self.current_period_end)
        questions = [date + EVENT_DELAY for date in dates if date and not has_passed(date, EVENT_DELAY)]
        if has_passed(self.cancel_at, EVENT_DELAY):
            questions.append(timezone.now() + OVERDUE_INTERVAL)
        return min(questions, default=None)

    @property
    def amount(self) -> int | None:
        """The sum of the next charge, in minor units, or None if it isn't certain."""
        return None if self.has_schedule else self.recurring_amount

    @property
    def display_amount(self) -> str:
        return "" if self.amount is None else format_amount(self.amount, self.currency)

    @property
    def is_trial_ending(self) -> bool:
        return self.status == "trialing" and is_ahead(self.trial_end)

    @property
    def next_charge_at(self) -> datetime | None:
        """None if no charge is planned, or if it takes a card that we don't know of."""
        is_trial = self.status == "trialing"
        is_charged = self.status == "active" or (is_trial and not self.without_card)
        is_stopped = self.cancel_at is not None or self.is_collection_paused
        date = (self.trial_end if is_trial else None) or self.current_period_end
        return date if is_charged and not is_stopped and is_ahead(date) else None
