"""What staff did for or to a person: entries of the admin's log about the account, its emails, and its suppressions."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.db.models import Q
from django.urls import reverse
from django.utils.http import urlencode

from accounts.hooks import Stretch, TimelineEntry
from accounts.models import User
from emails import privacy
from emails.models import OutboundEmail, Suppression

NEWEST_EMAILS = 200  # whose entries are found


def staff_entries(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    keys = [str(pk) for pk in privacy.emails_of(str(user.pk)).values_list("pk", flat=True)[:NEWEST_EMAILS]]
    about_person = (
        Q(content_type=type_of(User), object_id=str(user.pk))
        | Q(content_type=type_of(OutboundEmail), object_id__in=keys)
        | Q(content_type=type_of(Suppression), object_repr=user.email)
    )
    entries = LogEntry.objects.filter(about_person).select_related("user")
    return (entry_of(entry, user) for entry in stretch.newest(entries, "action_time"))


def type_of(model: Any) -> Any:
    return get_content_type_for_model(model)


def entry_of(entry: LogEntry, user: User) -> TimelineEntry:
    what = entry.get_change_message() or entry.get_action_flag_display()
    if entry.content_type == type_of(OutboundEmail):
        return TimelineEntry(entry.action_time, what, by(entry, entry.object_repr), email_page(entry.object_id))
    if entry.content_type == type_of(Suppression):
        url = f"{reverse('admin:emails_suppression_changelist')}?{urlencode({'q': user.email})}"
        return TimelineEntry(entry.action_time, what, by(entry, "Suppression"), url)
    if message := sent_message(entry):
        return TimelineEntry(entry.action_time, f"Sent “{message['object']}”", by(entry), email_page(message["id"]))
    return TimelineEntry(entry.action_time, what, by(entry), reverse("admin:accounts_user_history", args=[user.pk]))


def by(entry: LogEntry, subject: str = "") -> str:
    return f"{subject} · by {entry.user}" if subject else f"by {entry.user}"


def email_page(pk: str | None) -> str:
    return reverse("admin:emails_outboundemail_change", args=[pk]) if pk else ""


# An email that staff sent is logged in the form in which Django logs that something was added to a row.


def log_message(subject: str, *, message_id: str, token: str) -> list[dict[str, Any]]:
    """Return the log's message about an email that staff sent. ``token`` identifies the form that was submitted."""
    return [{"added": {"name": "email", "object": subject, "id": message_id, "token": token}}]


def sent_message(entry: LogEntry) -> dict[str, str]:
    """Return what ``log_message`` stored in the entry, or nothing if it is about something else."""
    with suppress(ValueError, TypeError, LookupError):
        added: dict[str, str] = json.loads(entry.change_message)[0]["added"]
        return added if {"object", "id", "token"} <= added.keys() else {}
    return {}


def was_sent(user: User, token: str) -> bool:
    """Return whether an email from this form has been sent to the user."""
    entries = LogEntry.objects.filter(content_type=type_of(User), object_id=str(user.pk))
    return entries.filter(change_message__contains=token).exists()
