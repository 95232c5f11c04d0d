"""Emails in the outbox of a person, and the texts of the person's page in the admin."""

from typing import Any

from accounts.models import User
from accounts.tests.support.browser import text_of
from emails.models import OutboundEmail
from emails.services import send_templated_email


def queue_email(user: User, **changes: Any) -> OutboundEmail:
    """Queue an email to the user and then change fields of its row. EMAIL_BACKEND must be the outbox."""
    send_templated_email(
        kind="password_changed",
        to=user.email,
        context={"name": "", "changed_at": user.date_joined, "reset_url": "https://x.example/"},
        metadata={"user_id": str(user.pk)},
    )
    pk = OutboundEmail.objects.filter(person=str(user.pk)).order_by("-created_at").values_list("pk", flat=True)[0]
    OutboundEmail.objects.filter(pk=pk).update(**changes)
    return OutboundEmail.objects.get(pk=pk)


def entries_on(response: Any) -> list[str]:
    """Return what each entry of the timeline says, newest first."""
    return [entry.what for _, entries in response.context["timeline"].days for entry in entries]


__all__ = ["entries_on", "queue_email", "text_of"]
