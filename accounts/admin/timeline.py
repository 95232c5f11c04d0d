"""A user's timeline: emails and their status, logins, changes of address, and entries from other apps."""

from collections.abc import Iterable, Iterator

from django.urls import reverse

from accounts.hooks import TimelineEntry, timeline_sources
from accounts.models import User
from common.admin import admin_log_entries
from emails import privacy
from emails.models import Status
from emails.support.explanations import explain

# The limit also applies to each source, so a source with many rows costs no more than the page can show.
MAX_ENTRIES = 200
MAX_EXPLAINED = 20  # emails; an explanation costs queries
ON_TRACK = (Status.SENT, Status.DELIVERED)


def timeline(user: User) -> list[TimelineEntry]:
    """Return the newest entries of all sources, newest first."""
    sources = [milestones, outbound_emails, logins, email_changes, changes_by_hand, *timeline_sources]
    entries = [entry for source in sources for entry in source(user)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:MAX_ENTRIES]


def milestones(user: User) -> Iterator[TimelineEntry]:
    yield TimelineEntry(user.date_joined, "signed up")
    if user.email_verified_at:
        yield TimelineEntry(user.email_verified_at, "email address verified", user.email)


def outbound_emails(user: User) -> Iterator[TimelineEntry]:
    explained = 0
    for email in privacy.emails_of(str(user.pk))[:MAX_ENTRIES]:
        is_explained = email.status not in ON_TRACK and explained < MAX_EXPLAINED
        explained += is_explained
        yield TimelineEntry(
            at=email.created_at,
            what=f"email “{email.kind or 'other'}”: {email.status}",
            detail=" — ".join(filter(None, [email.subject, explain(email).sentence if is_explained else ""])),
            url=reverse("admin:emails_outboundemail_change", args=[email.pk]),
        )


def logins(user: User) -> Iterable[TimelineEntry]:
    return [
        TimelineEntry(login.at, "logged in", " ".join(filter(None, [login.client_address, login.user_agent])))
        for login in user.logins.all()[:MAX_ENTRIES]
    ]


def email_changes(user: User) -> Iterator[TimelineEntry]:
    for change in user.email_changes.all()[:MAX_ENTRIES]:
        yield TimelineEntry(change.at, "email address changed", str(change))
        if change.undone_at:
            yield TimelineEntry(change.undone_at, "email address change undone", str(change))


def changes_by_hand(user: User) -> Iterable[TimelineEntry]:
    return [TimelineEntry(entry.at, "manual change", entry.text) for entry in admin_log_entries(user)]
