"""Subscriptions, in the state that the newest event about each of them reports."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self, cast

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models import grace
from billing.models.access import EVENT_DELAY, WITH_ACCESS, has_access
from billing.models.clock import has_passed, is_ahead, later
from billing.models.customers import Customer
from billing.models.items import SubscriptionItem
from billing.models.scheduled_changes import ScheduledChange
from billing.models.suspensions import is_suspended
from billing.plans import Plan, plan_by_price
from common.db import execute
from common.money import format_amount

FINAL = ("canceled", "incomplete_expired")
# What Stripe calls a subscription whose newest invoice isn't paid: while it retries, and once it has given up.
OWING = ("past_due", "unpaid")


# Written by hand because they run with every payment: compiling them with the ORM takes ten times as long as running
# them.
FORGET_UNPAID = "UPDATE billing_subscription SET unpaid_since = NULL WHERE id = %s AND status IN ('past_due', 'unpaid')"
ACTIVATE = "UPDATE billing_subscription SET status = 'active' WHERE id = %s AND status = 'incomplete'"


# How often Stripe is asked about a subscription that should have ended.
OVERDUE_INTERVAL = timedelta(days=1)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def activate(self, subscription_id: str) -> bool:
        """Activate the subscription if it is incomplete. Returns whether it was."""
        return execute(ACTIVATE, subscription_id) == 1

    def forget_unpaid(self, subscription_id: str) -> bool:
        """Forget since when a payment is missing, and return whether Stripe's newest report says that one is."""
        return execute(FORGET_UNPAID, subscription_id) == 1

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

    def owing(self) -> Self:
        """Keep the subscriptions for which a payment may be missing, with the open payment."""
        return self.filter(Q(status__in=OWING) | ~Q(open_payment=None)).select_related("open_payment")

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

    id = models.CharField(_("ID at Stripe"), primary_key=True, max_length=255, help_text="sub_…")
    customer = models.ForeignKey(
        Customer, null=True, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="subscriptions"
    )
    status = models.CharField(_("status"), max_length=32)
    price_id = models.CharField(
        _("price"),
        max_length=255,
        blank=True,
        help_text=_("Of the first item that was a plan when Stripe reported it."),
    )
    items = models.JSONField(
        _("items"),
        blank=True,
        default=list,
        db_default=[],
        help_text=_("Every price of the subscription, with its quantity."),
    )
    recurring_amount = models.BigIntegerField(
        null=True, help_text=_("The sum for each interval, in minor units. Empty if no event proves it.")
    )
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    interval = models.CharField(_("interval"), max_length=16, blank=True)
    interval_count = models.BigIntegerField(_("intervals"), null=True)
    quantity = models.BigIntegerField(_("quantity"), null=True)
    has_long_period = models.BooleanField(
        default=False, db_default=False, help_text=_("It is charged once a year or less often.")
    )
    current_period_start = models.DateTimeField(_("period began"), null=True)
    current_period_end = models.DateTimeField(_("period ends"), null=True)
    trial_end = models.DateTimeField(_("trial ends"), null=True)
    without_card = models.CharField(
        _("without a card"),
        max_length=16,
        blank=True,
        db_default="",
        help_text=_("What the end of the trial does if there is no card."),
    )
    cancel_at = models.DateTimeField(_("ends"), null=True, help_text=_("When it will end."))
    is_collection_paused = models.BooleanField(_("collection paused"), default=False, db_default=False)
    collection_resumes_at = models.DateTimeField(_("collection resumes"), null=True)
    has_schedule = models.BooleanField(
        _("scheduled change"),
        default=False,
        db_default=False,
        help_text=_("A schedule at Stripe will change the price."),
    )
    schedule_id = models.CharField(_("schedule"), max_length=255, blank=True, db_default="", help_text="sub_sched_…")
    schedule_version = models.CharField(max_length=300, blank=True, db_default="")
    next_phase = models.JSONField(
        _("next phase"), null=True, help_text=_("What the schedule will change the subscription to.")
    )
    next_phase_version = models.CharField(max_length=300, blank=True, db_default="")
    payment_method = models.CharField(
        _("payment method"),
        max_length=255,
        blank=True,
        db_default="",
        help_text=_("Empty if it charges the customer's default."),
    )
    latest_invoice = models.CharField(max_length=255, blank=True, db_default="")
    open_payment = models.ForeignKey(
        "billing.Payment",
        null=True,
        verbose_name=_("open payment"),
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text=_("The failed payment that the customer has to make."),
    )
    unpaid_since = models.DateTimeField(
        _("unpaid since"),
        null=True,
        help_text=_("When the first payment failed that is still missing. The grace period begins then."),
    )
    unpaid_notice = models.CharField(
        max_length=300, blank=True, db_default="", help_text=_("The key of the email about the suspension.")
    )
    announced_renewal = models.DateTimeField(null=True, help_text=_("The renewal that the customer was reminded of."))
    announced_trial_end = models.DateTimeField(null=True, help_text=_("The end that was announced last."))
    ended_at = models.DateTimeField(_("ended"), null=True)
    end_reason = models.CharField(_("reason for the end"), max_length=64, blank=True)

    ordered_at = models.DateTimeField(null=True, help_text=_("When its Checkout was completed, paid or not."))
    first_paid_at = models.DateTimeField(
        _("first paid"), null=True, help_text=_("When Stripe reported its Checkout as settled.")
    )
    version = models.CharField(max_length=300, blank=True, help_text=_("The highest version reported by Stripe wins."))
    reported_at = models.DateTimeField(null=True, help_text=_("When Stripe last reported the state, by its clock."))
    has_begun = models.BooleanField(
        default=False, db_default=False, help_text=_("Whether its start was announced to the rest of the product.")
    )
    compared_at = models.DateTimeField(null=True, help_text=_("When Stripe's list of subscriptions last had it."))
    refresh_at = models.DateTimeField(
        _("next question to Stripe"), null=True, help_text=_("When we ask Stripe for its current state.")
    )
    refresh_failures = models.PositiveSmallIntegerField(default=0, help_text=_("Failed attempts to ask Stripe."))

    objects: ClassVar[SubscriptionQuerySet] = SubscriptionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-version"]
        indexes = [
            models.Index(fields=["refresh_at"], condition=Q(refresh_at__isnull=False), name="subscription_refresh"),
            models.Index(fields=["unpaid_since", "id"], condition=Q(status="past_due"), name="subscription_past_due"),
            models.Index(
                fields=["current_period_end", "id"],
                condition=Q(status="active", has_long_period=True),
                name="subscription_renewal",
            ),
            models.Index(fields=["trial_end", "id"], condition=Q(status="trialing"), name="subscription_trial_end"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_name or self.pk}: {self.status.replace('_', ' ')}"

    @property
    def price_ids(self) -> Iterator[str]:
        """The prices of all items. That of the plan comes first."""
        yield self.price_id
        yield from (str(item.get("price_id", "")) for item in self.items)

    @property
    def plans(self) -> list[Plan]:
        """The plans among the items. Usually, there is one."""
        found = filter(None, map(plan_by_price, self.price_ids))
        return list({plan.slug: plan for plan in found}.values())

    @property
    def plan(self) -> Plan | None:
        return next(iter(self.plans), None)

    @property
    def bought_items(self) -> list[SubscriptionItem]:
        """All items. Their amounts are left out if the sum isn't certain, because the charge is another one then."""
        stored = self.items or ([{"price_id": self.price_id, "quantity": self.quantity}] if self.price_id else [])
        return [SubscriptionItem.read(item, is_certain=self.amount is not None) for item in stored]

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
        has_access = self.status in WITH_ACCESS and self.plan is not None and not self.is_over and not self.is_suspended
        return has_access and not grace.is_over(self.grace_ends_at, self.reported_at)

    @property
    def grace_ends_at(self) -> datetime | None:
        """When access ends unless the missing payment arrives. None if nothing is missing, or if there is no limit."""
        return grace.ends_at(self.status, self.unpaid_since, self.current_period_end)

    @property
    def needs_payment(self) -> bool:
        """Whether a payment gives access again."""
        is_owing = self.status in OWING and self.plan is not None
        return is_owing and not self.gives_access and not self.is_suspended

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
        """When to ask Stripe if no event arrives until then: after the next date that changes the state."""
        if self.is_final:
            return None
        dates = (self.cancel_at, self.trial_end, self.current_period_end)
        questions = [later(date, EVENT_DELAY) for date in dates if date and not has_passed(date, EVENT_DELAY)]
        # No event is expected at the end of the grace period, so there is nothing to wait for.
        if self.grace_ends_at and not grace.is_over(self.grace_ends_at, self.reported_at):
            questions.append(self.grace_ends_at)
        if has_passed(self.cancel_at, EVENT_DELAY):
            questions.append(timezone.now() + OVERDUE_INTERVAL)
        return min(questions, default=None)

    @property
    def amount(self) -> int | None:
        """The sum of the next charge, in minor units, or None if it isn't certain."""
        is_last_phase = self.is_schedule_known and self.known_phase is None
        return None if self.has_schedule and not is_last_phase else self.recurring_amount

    @property
    def is_schedule_known(self) -> bool:
        """Whether we know what the current schedule does."""
        return bool(self.schedule_id and self.next_phase and self.next_phase["schedule"] == self.schedule_id)

    @property
    def known_phase(self) -> Mapping[str, Any] | None:
        """What the current schedule does next, as far as we know."""
        phase = self.next_phase["phase"] if self.has_schedule and self.is_schedule_known and self.next_phase else None
        return None if phase is None or has_passed(self.cancel_at) else cast(Mapping[str, Any], phase)

    @property
    def scheduled_change(self) -> ScheduledChange | None:
        """The change of plan, interval, or quantity that lies ahead."""
        phase = self.known_phase
        if phase is None or self.is_final:
            return None
        change = ScheduledChange.from_phase(phase, is_sum_certain=self.recurring_amount is not None)
        is_cut_off = self.cancel_at is not None and self.cancel_at <= change.at
        differs = (change.price_id, change.quantity) != (self.price_id, self.quantity)
        return change if differs and is_ahead(change.at) and not is_cut_off else None

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
