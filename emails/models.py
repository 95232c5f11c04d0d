"""What is stored of every message, of every call to a provider, of every provider and of refused addresses."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from emails.message import Message
from emails.querysets import WorkQuerySet


class Status(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    SENT = "sent", _("sent: the provider took it")
    DELIVERED = "delivered", _("delivered: the receiving server took it")
    BOUNCED = "bounced", _("bounced")
    COMPLAINED = "complained", _("complained")
    FAILED = "failed", _("failed")
    SUPPRESSED = "suppressed", _("suppressed")
    EXPIRED = "expired", _("expired")
    CANCELLED = "cancelled", _("cancelled")


class Reason(models.TextChoices):
    """Why a message waits or ended as it did, where its status alone does not say it."""

    TRANSIENT = "transient", _("the provider did not take it; it is tried again")
    CONFIGURATION = "configuration", _("the provider's account or key needs a person; it is tried again")
    INTERNAL = "internal", _("our own code failed on it; it is tried again")
    UNKNOWN = "unknown", _("whether the provider took it is unknown; the same call is repeated")
    REFUSED = "refused", _("the provider refused it for good")
    UNSUPPORTED = "unsupported", _("the provider cannot carry such a message")
    GAVE_UP = "gave_up", _("it was tried for two days")
    OUTCOME_UNKNOWN = (
        "outcome_unknown",
        _("whether it arrived could not be found out, and a repeat could be a second copy"),
    )
    QUARANTINED = "quarantined", _("its worker died again and again")


class OutboundEmail(models.Model):
    """One message of the outbox, from the caller's commit to its end. One row, however many recipients."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64, blank=True, help_text=_("its folder under templates/emails/"))
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    reason = models.CharField(max_length=24, choices=Reason, blank=True)
    detail = models.TextField(blank=True, help_text=_("what the provider, or our own code, said last"))
    idempotency_key = models.CharField(max_length=255, null=True)

    recipients = models.TextField(help_text=_("all addresses of to, cc and bcc, for searching"))
    subject = models.TextField(blank=True)
    content = models.JSONField(null=True, help_text=_("the message in neutral form; null once it is blanked"))
    sensitive = models.BooleanField(default=False, help_text=_("holds live links: blanked once sent or dead"))
    metadata = models.JSONField(default=dict, blank=True)

    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(
        null=True, db_default=Now(), help_text=_("null while an attempt holds it, and when settled")
    )
    lease_token = models.UUIDField(null=True, editable=False)
    isolated = models.BooleanField(default=False, help_text=_("its worker died: it is now claimed alone"))
    crashes = models.PositiveSmallIntegerField(default=0, help_text=_("workers that died while they held it alone"))
    failures = models.PositiveSmallIntegerField(default=0, help_text=_("tries that were refused for now"))
    first_failed_at = models.DateTimeField(null=True)

    provider = models.CharField(max_length=200, blank=True)
    provider_message_id = models.CharField(max_length=255, blank=True)
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    objects: ClassVar[WorkQuerySet["OutboundEmail"]] = WorkQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="outbound_due"),
            models.Index(fields=["created_at"], name="outbound_created"),
            models.Index(fields=["settled_at"], condition=models.Q(settled_at__isnull=False), name="outbound_settled"),
            models.Index(fields=["provider_message_id"], name="outbound_provider_id"),
        ]
        # A constraint rather than unique=True, which adds a second index for LIKE on PostgreSQL.
        constraints = [models.UniqueConstraint(fields=["idempotency_key"], name="outbound_idempotency_key")]

    def __str__(self) -> str:
        return f"{self.kind or 'mail'} to {self.recipients}"

    @property
    def is_blanked(self) -> bool:
        return self.content is None

    @property
    def message(self) -> Message:
        """The message in neutral form. Raises ``ValueError`` when its body is blanked."""
        if self.content is None:
            raise ValueError("The body of this message is blanked; have the person request a new one.")
        return Message.from_json(self.content)

    @property
    def blanked_content(self) -> dict[str, None]:
        """The change that blanks a sensitive body once the message is sent or dead, except with DEBUG."""
        return {"content": None} if self.sensitive and not settings.DEBUG else {}


class DeliveryAttempt(models.Model):
    """One call to a provider, written before the call. Its id is the Idempotency-Key.

    While the outcome is not known the call is repeated unchanged: same provider, same bytes, same neighbours.
    """

    class Outcome(models.TextChoices):
        PENDING = "pending", _("under way")
        ACCEPTED = "accepted", _("accepted")
        REFUSED = "refused", _("not accepted")
        UNKNOWN = "unknown", _("unknown")
        ABANDONED = "abandoned", _("given up without an answer")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(max_length=200)
    endpoint = models.CharField(max_length=100, blank=True)
    body = models.BinaryField(null=True, help_text=_("the serialised call; dropped once the outcome is known"))
    emails = models.ManyToManyField(OutboundEmail, through="AttemptedEmail", related_name="attempts")
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.PENDING)

    created_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True, editable=False)
    calls = models.PositiveSmallIntegerField(default=0, help_text=_("answers that left the outcome unknown"))
    crashes = models.PositiveSmallIntegerField(default=0, help_text=_("workers that died while it was under way"))

    status_code = models.PositiveSmallIntegerField(null=True)
    error_code = models.CharField(max_length=100, blank=True)
    detail = models.TextField(blank=True)

    objects: ClassVar[WorkQuerySet["DeliveryAttempt"]] = WorkQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="attempt_due")]

    def __str__(self) -> str:
        return f"{self.provider}: {self.get_outcome_display()}"


class AttemptedEmail(models.Model):
    """The ordered rows that an attempt carries."""

    attempt = models.ForeignKey(DeliveryAttempt, on_delete=models.CASCADE)
    email = models.ForeignKey(OutboundEmail, on_delete=models.CASCADE)
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["attempt", "position"], name="one_email_a_position")]


class ProviderStateQuerySet(models.QuerySet["ProviderState"]):
    def with_row_for(self, provider: str) -> list["ProviderState"]:
        """Every provider's state, the given one's included even when it was never used before.

        Each comes with ``now``, the database's time, and ``has_unknown_attempts_due``.
        """
        unknown = DeliveryAttempt.objects.filter(provider=OuterRef("name"), due_at__lte=Now(), lease_token=None)
        states = self.annotate(now=Now(), has_unknown_attempts_due=Exists(unknown)).order_by("name")  # type: ignore[no-redef]
        found = list(states)
        if all(state.name != provider for state in found):
            self.bulk_create([ProviderState(name=provider)], ignore_conflicts=True)
            found = list(states.all())
        return found


class ProviderState(models.Model):
    """What all workers must agree on about one provider: whether, and from when, it may be called."""

    class Pause(models.TextChoices):
        BREAKER = "breaker", _("it failed again and again; one probe every 15 seconds")
        RATE_LIMITED = "rate_limited", _("it asked us to wait")
        CONFIGURATION = "configuration", _("its account or key needs a person")

    name = models.CharField(primary_key=True, max_length=200)
    failures = models.PositiveIntegerField(default=0, help_text=_("failed calls since the last success"))
    paused_until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=16, choices=Pause, blank=True)
    detail = models.TextField(blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    now: datetime  # the database's time and the next one are set by with_row_for()
    has_unknown_attempts_due: bool

    objects: ClassVar[ProviderStateQuerySet] = ProviderStateQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.name

    @property
    def is_probing(self) -> bool:
        """Whether only one call at a time may go out, to find out if the trouble is over."""
        return self.reason in (self.Pause.BREAKER, self.Pause.CONFIGURATION)

    def is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and self.paused_until > now


class Suppression(models.Model):
    """An address that gets no mail. One row an address; lifting deletes it."""

    class Cause(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", _("hard bounce")
        COMPLAINT = "complaint", _("complaint")
        SOFT_BOUNCES = "soft_bounces", _("soft bounces in a row")
        MANUAL = "manual", _("entered by hand")

    address = models.CharField(max_length=320, unique=True, help_text=_("in lower case"))
    cause = models.CharField(max_length=16, choices=Cause, default=Cause.MANUAL)
    detail = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True, blank=True, help_text=_("empty: until it is lifted"))

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.address

    def save(self, *args: object, **kwargs: object) -> None:
        self.address = self.address.strip().lower()
        super().save(*args, **kwargs)  # type: ignore[arg-type]
