"""Changes of a subscription that a person confirmed here."""

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from billing.models.subscriptions import Subscription
from billing.plans import plan_by_slug


class SubscriptionChangeQuerySet(models.QuerySet["SubscriptionChange"]):
    def of(self, user_id: int) -> Self:
        return self.filter(user=user_id)

    def pending(self) -> Self:
        return self.filter(status=SubscriptionChange.Status.PENDING)

    def due(self) -> Self:
        return self.pending().filter(due_at__lte=Now()).order_by("due_at")


class SubscriptionChange(models.Model):
    """A change that is stored before Stripe is asked to make it, and repeated until its outcome is known.

    Its id, with ``key_number``, is the Idempotency-Key of the calls, so that repeating them changes nothing twice.
    """

    class Action(models.TextChoices):
        CHANGE = "change", _("change immediately")
        SCHEDULE = "schedule", _("change at the end of the period")
        CANCEL = "cancel", _("cancel at the end of the period")
        RESUME = "resume", _("keep the plan")

    class Status(models.TextChoices):
        PENDING = "pending", _("being processed")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.CASCADE, related_name="subscription_changes"
    )
    subscription = models.ForeignKey(
        Subscription, verbose_name=_("subscription"), on_delete=models.CASCADE, related_name="changes"
    )
    action = models.CharField(_("change"), max_length=16, choices=Action)
    plan = models.CharField(_("plan"), max_length=64, blank=True, help_text=_("The chosen plan."))
    parameters = models.JSONField(
        _("request to Stripe"),
        default=dict,
        help_text=_("What Stripe is asked for, and the state in which the person confirmed it."),
    )
    amount_due = models.BigIntegerField(
        _("confirmed amount"), null=True, help_text=_("What the person confirmed to pay, in minor units.")
    )
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    status = models.CharField(
        _("status"), max_length=16, choices=Status, default=Status.PENDING, db_default=Status.PENDING
    )
    refusal = models.CharField(
        _("reason for the refusal"), max_length=64, blank=True, help_text=_("Why Stripe or we refused it.")
    )
    key_number = models.PositiveSmallIntegerField(default=0, help_text=_("Counts the Idempotency-Keys."))
    created_at = models.DateTimeField(_("confirmed"), db_default=Now())
    due_at = models.DateTimeField(
        _("next attempt"), null=True, help_text=_("When Stripe is asked again. Empty once the outcome is known.")
    )
    failures = models.PositiveSmallIntegerField(_("failed attempts"), default=0, help_text=_("Failed attempts."))
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects: ClassVar[SubscriptionChangeQuerySet] = SubscriptionChangeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("change of a subscription")
        verbose_name_plural = _("changes of subscriptions")
        constraints = [
            models.UniqueConstraint(
                fields=["subscription"],
                condition=models.Q(status="pending"),
                name="one_pending_change_a_subscription",
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="change_due")]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.plan or self.subscription_id}"

    @property
    def plan_name(self) -> str:
        plan = plan_by_slug(self.plan)
        return plan.name if plan else ""

    @property
    def key(self) -> str:
        return f"change-{self.pk}-{self.key_number}"

    @property
    def was_refused_later(self) -> bool:
        """Whether it failed after the request had ended, so that the person hasn't been informed."""
        return self.status == self.Status.REFUSED and self.failures > 0
