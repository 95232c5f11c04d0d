"""The outbox: one row per email.

A row has two kinds of columns. ``content`` holds the whole message in neutral form, from which a provider's call is
built. It is null after the body has been deleted. The other columns remain until retention deletes the row, so staff
can find an email and see its status.
"""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext_lazy as _

from common.db import no_table_scans
from common.lists import newest
from emails.message import Message
from emails.models.list_indexes import list_index
from emails.models.recipients import HasOne, HasSeveral, IsAmong, SeveralRecipientsIndex
from emails.models.work import HELD, WAITS, Priority, Work, WorkQuerySet

MAX_SORTED = 2_000  # emails with several recipients that one search reads

# Retention has nothing left to do with a row without a body whose key is kept, until the key is too old as well.
HAS_BODY_OR_NO_KEY = models.Q(content__isnull=False) | models.Q(idempotency_key__isnull=True)


class OutboundEmailQuerySet(WorkQuerySet["OutboundEmail"]):
    claimed_by = {"priority": Priority.values, "isolated": [False, True]}

    def newest_to_address(self, address: str, limit: int) -> list[uuid.UUID]:
        """Return the IDs of the newest emails with this address, in lowercase, in To, Cc, or Bcc, in no certain order.

        If an address is in thousands of emails with several recipients, some of the older ones may be missing.
        """
        alone = self.filter(HasOne("recipients"), recipients=address).order_by("-created_at")
        among = self.filter(HasSeveral("recipients"), IsAmong("recipients", address)).order_by()
        with no_table_scans():
            found = set(among.values_list("created_at", "pk")[:MAX_SORTED])
            if len(found) == MAX_SORTED:
                found.update(newest(among, "created_at").values_list("created_at", "pk"))
        newest_among = [key for _, key in sorted(found, reverse=True)[:limit]]
        return [*alone.values_list("pk", flat=True)[:limit], *newest_among]


class OutboundEmail(Work):
    """One email with all its recipients, and therefore with one status for all of them."""

    # The ID of the message as well. Resend and SendGrid repeat it in their events.
    id = models.UUIDField(_("ID"), primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(
        _("kind"),
        max_length=64,
        blank=True,
        help_text=_("Which email it is: the name of its folder in templates/emails/."),
    )
    # Chosen by the caller. A second email with the same key isn't queued. Null if the caller chose none.
    idempotency_key = models.CharField(_("idempotency key"), max_length=255, null=True)

    # The caller's, or else the one of the kind (emails/kinds.py).
    priority = models.PositiveSmallIntegerField(
        _("priority"), choices=Priority, default=Priority.NORMAL, db_default=Priority.NORMAL
    )

    recipients = models.TextField(_("to"), help_text=_("Everyone in To, Cc, and Bcc."))
    subject = models.TextField(_("subject"), blank=True)
    content = models.JSONField(
        _("message"), null=True, help_text=_("The whole message. Empty once its body has been deleted.")
    )
    sensitive = models.BooleanField(
        _("contains live links"),
        default=False,
        help_text=_(
            "Its links grant access, so nobody may read them, and its body is deleted once it is sent or has failed."
        ),
    )
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    # A column of its own, because only PostgreSQL would use an index on the JSON expression.
    person = models.GeneratedField(
        expression=KeyTextTransform("user_id", "metadata"),
        output_field=models.CharField(max_length=255, null=True),
        db_persist=True,
        help_text=_("A copy of user_id in the metadata, which the database generates so that it can be indexed."),
    )
    to_be_erased = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("The user asked for erasure. The row is deleted or emptied as soon as it is settled."),
    )

    # The email is useless after this time and isn't sent anymore, for example when its link has expired.
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    # Empty until the provider has accepted the email, and for providers that report no ID.
    provider_message_id = models.CharField(_("ID at the provider"), max_length=255, blank=True)
    batch_limit = models.PositiveSmallIntegerField(
        null=True, help_text=_("A larger call was refused, so its next call carries at most this number of messages.")
    )
    unsupported_by = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text=_("The fallback provider that can't send it, so it waits for the first provider."),
    )
    lookup_at = models.DateTimeField(null=True, help_text=_("When we ask the provider whether it was delivered."))

    objects: ClassVar[OutboundEmailQuerySet] = OutboundEmailQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("email")
        verbose_name_plural = _("emails")
        ordering = ["-created_at"]
        # Partial indexes stay small, so claiming takes as long with millions of settled rows as with none.
        indexes = [
            models.Index(fields=["isolated", "priority", "due_at"], condition=WAITS, name="outbound_waiting"),
            models.Index(
                fields=["due_at"],
                condition=models.Q(due_at__isnull=False, first_failed_at__isnull=False),
                name="outbound_backing_off",
            ),
            models.Index(fields=["due_at"], condition=HELD, name="outbound_held"),
            models.Index(fields=["created_at"], name="outbound_created"),
            # The list of messages. Each filter has an index, because a value can be rare at any time.
            list_index("status", "created_at", name="outbound_status"),
            list_index("kind", "created_at", name="outbound_kind"),
            list_index("provider", "created_at", name="outbound_provider"),
            list_index("reason", "created_at", name="outbound_reason", is_mostly_empty=True),
            models.Index(
                fields=["recipients", "created_at"], condition=models.Q(HasOne("recipients")), name="outbound_recipient"
            ),
            SeveralRecipientsIndex(name="outbound_recipients"),
            # Retention. Every settled row is in one of these two, and each step reads only rows that it changes.
            models.Index(
                fields=["settled_at"],
                condition=models.Q(HAS_BODY_OR_NO_KEY, settled_at__isnull=False),
                name="outbound_to_purge",
            ),
            models.Index(
                fields=["settled_at"],
                condition=models.Q(settled_at__isnull=False, content__isnull=True, idempotency_key__isnull=False),
                name="outbound_kept_keys",
            ),
            models.Index(fields=["provider_message_id"], name="outbound_provider_id"),
            models.Index(
                fields=["person", "-created_at"], condition=models.Q(person__isnull=False), name="outbound_person"
            ),
            models.Index(fields=["settled_at"], condition=models.Q(to_be_erased=True), name="outbound_to_be_erased"),
            models.Index(fields=["lookup_at"], condition=models.Q(lookup_at__isnull=False), name="outbound_lookup"),
        ]
        # With unique=True on the field, Django would add a second index for LIKE queries on PostgreSQL.
        constraints = [models.UniqueConstraint(fields=["idempotency_key"], name="outbound_idempotency_key")]

    def __str__(self) -> str:
        return f"{self.kind or 'email'} to {self.recipients}"

    @property
    def is_erased(self) -> bool:
        """Whether the person was erased, which leaves only the idempotency key (emails/privacy.py)."""
        return not self.recipients

    @property
    def is_body_deleted(self) -> bool:
        if "content" in self.get_deferred_fields():  # reading megabytes only to see that they are there takes long
            return not OutboundEmail.objects.filter(pk=self.pk, content__isnull=False).exists()
        return self.content is None

    @property
    def message(self) -> Message:
        """The email in neutral form. Raises ``ValueError`` if its body has been deleted."""
        if self.content is None:
            raise ValueError("The body of this message has been deleted, so it can't be built again.")
        return Message.from_json(self.content)

    @property
    def allows_second_copy(self) -> bool:
        return self.kind not in settings.EMAIL_KINDS_NEVER_REPEATED

    def changes_when_settled(self) -> dict[str, Any]:
        """Return the change that deletes a sensitive body, or nothing to change."""
        # A link that grants access must not stay in the database, where staff or a leaked backup could use it. With
        # DEBUG it stays, because developers open these links in the development inbox.
        return {"content": None} if self.sensitive and not settings.DEBUG else {}
