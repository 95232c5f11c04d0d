"""Changes to contacts at the marketing provider, waiting or sent.

They go through the same delivery as emails, with one difference: the changes of one contact must arrive in order,
because "subscribe" before "unsubscribe" means something else than after it.
"""

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from emails.models.work import HELD, WAITS, Work, WorkQuerySet


class ContactChangeQuerySet(WorkQuerySet["ContactChange"]):
    claimed_by = {"isolated": [False, True]}

    def next_of_each_contact(self) -> Self:
        """Return only the oldest unsettled change of each contact, so a later one can't overtake it.

        A change of the address belongs to both contacts, the former one and the new one.
        """
        earlier = ContactChange.objects.filter(settled_at=None, pk__lt=OuterRef("pk"))
        renames = earlier.exclude(former_address="")
        return (
            self.exclude(Exists(earlier.filter(address=OuterRef("address"))))
            .exclude(Exists(renames.filter(former_address=OuterRef("address"))))
            # An empty address is that of a forgotten contact, whose change is settled. So no row waits for those.
            .exclude(Exists(earlier.filter(address=OuterRef("former_address"))))
            .exclude(Exists(renames.filter(former_address=OuterRef("former_address"))))
        )


class ContactChange(Work):
    """One change to one contact. The order of primary keys is the order in which a contact's changes are sent."""

    class Action(models.TextChoices):
        SUBSCRIBE = "subscribe", _("subscribe")
        UPDATE = "update", _("update attributes")
        ADD_TAG = "add_tag", _("add a tag")
        REMOVE_TAG = "remove_tag", _("remove a tag")
        TRACK_EVENT = "track_event", _("track an event")
        CHANGE_ADDRESS = "change_address", _("change the email address")
        UNSUBSCRIBE = "unsubscribe", _("unsubscribe")
        FORGET = "forget", _("forget")

    event_id = models.UUIDField(
        _("event ID"), default=uuid.uuid4, editable=False, help_text=_("Lets Sequenzy deduplicate retries.")
    )
    action = models.CharField(_("change"), max_length=16, choices=Action)
    address = models.CharField(_("email address"), max_length=320, help_text=_("In lowercase."))
    former_address = models.CharField(
        _("former email address"),
        max_length=320,
        blank=True,
        default="",
        db_default="",
        help_text=_("In lowercase. Only for a change of the email address."),
    )
    # In the words of emails/contacts.py, because the provider may change while the row waits.
    content = models.JSONField(_("details"), null=True, help_text=_("What changes. Empty once it has been deleted."))
    progress = models.JSONField(
        _("progress"),
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text=_("What the calls so far found out, if the change takes several."),
    )
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)

    objects: ClassVar[ContactChangeQuerySet] = ContactChangeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("contact change")
        verbose_name_plural = _("contact changes")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["isolated", "due_at"], condition=WAITS, name="contact_waiting"),
            models.Index(fields=["due_at"], condition=HELD, name="contact_held"),
            models.Index(
                fields=["address", "id"], condition=models.Q(settled_at__isnull=True), name="contact_unsettled_order"
            ),
            models.Index(
                fields=["former_address", "id"],
                condition=models.Q(settled_at__isnull=True) & ~models.Q(former_address=""),
                name="contact_unsettled_rename",
            ),
            models.Index(fields=["settled_at"], condition=models.Q(settled_at__isnull=False), name="contact_settled"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.address}"

    @property
    def has_retry_limit(self) -> bool:
        """False for "unsubscribe" and "forget", which people have a right to, so they are retried forever."""
        return self.action not in (self.Action.UNSUBSCRIBE, self.Action.FORGET)

    def changes_when_settled(self) -> dict[str, Any]:
        return {"progress": {}}  # it may contain what the provider knows about the person

    @property
    def allows_second_copy(self) -> bool:
        """False for an event, which could start an automation twice. All other changes set a state."""
        return self.action != self.Action.TRACK_EVENT
