"""The outbox: one row per email."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext_lazy as _

from emails.message import Message
from emails.models.work import Work, WorkQuerySet


class OutboundEmail(Work):
    """One email, from the transaction that queued it until it is settled. All its recipients share the row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64, blank=True, help_text=_("The name of its folder under templates/emails/."))
    idempotency_key = models.CharField(max_length=255, null=True)

    recipients = models.TextField(help_text=_("All email addresses in To, Cc, and Bcc, for searching."))
    subject = models.TextField(blank=True)
    content = models.JSONField(
        null=True, help_text=_("The message in neutral form. Null once its body has been deleted.")
    )
    sensitive = models.BooleanField(
        default=False, help_text=_("Contains live links, so its body is deleted once it is sent or given up.")
    )
    metadata = models.JSONField(default=dict, blank=True)
    # The database maintains this column. An index on the JSON expression itself would only be used by PostgreSQL.
    person = models.GeneratedField(
        expression=KeyTextTransform("user_id", "metadata"),
        output_field=models.CharField(max_length=255, null=True),
        db_persist=True,
        help_text=_("The user this message belongs to: user_id in its metadata."),
    )
    to_be_erased = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("The user asked for erasure. What remains is deleted once it is settled."),
    )

    expires_at = models.DateTimeField(null=True, blank=True)
    provider_message_id = models.CharField(max_length=255, blank=True)
    batch_limit = models.PositiveSmallIntegerField(
        null=True, help_text=_("The maximum number of messages in its next call, after a larger call was refused.")
    )
    lookup_at = models.DateTimeField(null=True, help_text=_("When we ask the provider whether it was delivered."))

    objects: ClassVar[WorkQuerySet["OutboundEmail"]] = WorkQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at"]
        # Partial indexes stay small, so claiming takes as long with millions of settled rows as with none.
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="outbound_due"),
            models.Index(fields=["created_at"], name="outbound_created"),
            models.Index(fields=["settled_at"], condition=models.Q(settled_at__isnull=False), name="outbound_settled"),
            models.Index(fields=["provider_message_id"], name="outbound_provider_id"),
            models.Index(
                fields=["person", "-created_at"], condition=models.Q(person__isnull=False), name="outbound_person"
            ),
            models.Index(fields=["settled_at"], condition=models.Q(to_be_erased=True), name="outbound_to_be_erased"),
            models.Index(fields=["lookup_at"], condition=models.Q(lookup_at__isnull=False), name="outbound_lookup"),
        ]
        # Not unique=True, which on PostgreSQL would add a second index for LIKE queries.
        constraints = [models.UniqueConstraint(fields=["idempotency_key"], name="outbound_idempotency_key")]

    def __str__(self) -> str:
        return f"{self.kind or 'email'} to {self.recipients}"

    @property
    def is_blanked(self) -> bool:
        return self.content is None

    @property
    def message(self) -> Message:
        """The email in neutral form. Raises ``ValueError`` if its body is blanked."""
        if self.content is None:
            raise ValueError("The body of this message has been deleted. Have the person request a new one.")
        return Message.from_json(self.content)

    @property
    def allows_second_copy(self) -> bool:
        return self.kind not in settings.EMAIL_KINDS_NEVER_REPEATED

    def changes_when_settled(self) -> dict[str, Any]:
        """Return the change that blanks a sensitive body.

        Empty with DEBUG, so that developers can open the links in the development inbox.
        """
        return {"content": None} if self.sensitive and not settings.DEBUG else {}
