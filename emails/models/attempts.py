"""Delivery attempts: one row per call to a provider, written before the call.

If a worker dies during a call, nobody knows whether the provider accepted it. The attempt survives the worker, and with
it the exact bytes of the call and its Idempotency-Key. Another worker repeats that call, and the provider recognizes
the repeat. A call that was built again could differ, for example after a deploy.
"""

import uuid
from collections.abc import Sequence
from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from emails.models.contacts import ContactChange
from emails.models.list_indexes import list_index
from emails.models.messages import OutboundEmail
from emails.models.work import HELD, WAITS, Priority, WorkQuerySet


class DeliveryAttemptQuerySet(WorkQuerySet["DeliveryAttempt"]):
    claimed_by = {"priority": Priority.values}

    def with_emails(self) -> Self:
        """Return the attempts that carry emails, without the ones that carry a contact change."""
        return self.filter(contact_change=None)


class DeliveryAttempt(models.Model):
    """One call to a provider and its repeats, which have the same bytes. The primary key is the Idempotency-Key."""

    class Outcome(models.TextChoices):
        """PENDING and UNKNOWN can still change. The others are final."""

        PENDING = "pending", _("in progress")
        ACCEPTED = "accepted", _("accepted")
        REFUSED = "refused", _("not accepted")
        SPLIT = "split", _("not accepted because of one of its messages")
        UNKNOWN = "unknown", _("unknown")
        ABANDONED = "abandoned", _("given up without a response")

    id = models.UUIDField(_("attempt ID"), primary_key=True, default=uuid.uuid4, editable=False)
    # Repeats go to this provider even if another one is configured by then, because only this one knows the key.
    provider = models.CharField(_("provider"), max_length=200)
    fallback_for = models.CharField(
        _("stood in for"),
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text=_("The first provider, if this one stood in for it."),
    )
    # See emails.backends.base.Request. Empty for a backend that isn't an HTTP API, such as SMTP.
    endpoint = models.CharField(_("URL of the call"), max_length=1000, blank=True)
    body = models.BinaryField(null=True, help_text=_("The bytes of the call. Deleted once the outcome is known."))
    # An attempt carries either emails or one contact change.
    emails = models.ManyToManyField(OutboundEmail, through="AttemptedEmail", related_name="attempts")
    # Null before this column existed. Kept, because the emails of an attempt are deleted one by one.
    message_count = models.PositiveSmallIntegerField(
        _("emails in the call"), null=True, help_text=_("How many emails the call carried.")
    )
    contact_change = models.ForeignKey(ContactChange, null=True, on_delete=models.CASCADE, related_name="+")
    # The most urgent one of its emails, because a repeat must not wait for bulk email either.
    priority = models.PositiveSmallIntegerField(
        _("priority"), choices=Priority, default=Priority.NORMAL, db_default=Priority.NORMAL
    )
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome, default=Outcome.PENDING)

    created_at = models.DateTimeField(_("first call"), db_default=Now())
    settled_at = models.DateTimeField(_("finished"), null=True)
    # The lease; see emails/models/work.py. While an attempt isn't settled, its rows have no lease of their own.
    due_at = models.DateTimeField(_("next call"), null=True)
    lease_token = models.UUIDField(null=True, editable=False)
    calls = models.PositiveSmallIntegerField(
        _("calls without a clear response"),
        default=0,
        help_text=_("How often it stayed unknown whether the provider accepted it. The same call is then repeated."),
    )
    crashes = models.PositiveSmallIntegerField(
        _("dead workers"), default=0, help_text=_("Workers that died during the call.")
    )

    # The last response: its HTTP or SMTP status, the provider's error code, and the explanation.
    status_code = models.PositiveSmallIntegerField(_("status code"), null=True)
    error_code = models.CharField(_("error code"), max_length=100, blank=True)
    detail = models.TextField(_("last response"), blank=True)

    objects: ClassVar[DeliveryAttemptQuerySet] = DeliveryAttemptQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["created_at"]
        indexes = [
            # Only an unknown attempt waits without a lease, so this index is nearly always empty.
            models.Index(fields=["provider", "priority", "due_at"], condition=WAITS, name="attempt_waiting"),
            models.Index(fields=["due_at"], condition=HELD, name="attempt_held"),
            # The list of attempts, and its filter.
            models.Index(fields=["created_at"], name="attempt_created"),
            list_index("outcome", "created_at", name="attempt_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.get_outcome_display()}"

    @property
    def carried_messages(self) -> int:
        """How many messages the call carried."""
        return self.emails.count() if self.message_count is None else self.message_count

    @property
    def rows(self) -> Sequence[OutboundEmail | ContactChange]:
        """The emails or the contact change that the call carries, in the call's order."""
        if self.contact_change is not None:
            return [self.contact_change]
        return list(self.emails.order_by("attemptedemail__position"))


class AttemptedEmail(models.Model):
    """One email of an attempt, at its position in the call. The provider returns message IDs in the same order."""

    attempt = models.ForeignKey(DeliveryAttempt, on_delete=models.CASCADE)
    email = models.ForeignKey(OutboundEmail, on_delete=models.CASCADE)
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["attempt", "position"], name="one_email_a_position")]
