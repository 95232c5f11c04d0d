"""What happened to a person, newest first: mails and their fate, logins, addresses, and what other apps add."""

from collections.abc import Iterable, Iterator

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from accounts.hooks import TimelineEntry, timeline_sources
from accounts.models import User
from emails import privacy
from emails.models import OutboundEmail, Status
from emails.support.explanations import explain

MOST = 200  # entries, and of each source
SMOOTH = (Status.SENT, Status.DELIVERED)


def timeline(user: User) -> list[TimelineEntry]:
    sources = [milestones, mails, logins, email_changes, interventions, *timeline_sources]
    entries = [entry for source in sources for entry in source(user)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:MOST]


def milestones(user: User) -> Iterator[TimelineEntry]:
    yield TimelineEntry(user.date_joined, "signed up")
    if user.email_verified_at:
        yield TimelineEntry(user.email_verified_at, "email address verified", user.email)


def mails(user: User) -> Iterable[TimelineEntry]:
    return [
        TimelineEntry(
            at=email.created_at,
            what=f"email “{email.kind or 'other'}”: {email.status}",
            detail=" — ".join(filter(None, [email.subject, why(email)])),
            url=reverse("admin:emails_outboundemail_change", args=[email.pk]),
        )
        for email in privacy.mail_of(str(user.pk))[:MOST]
    ]


def why(email: OutboundEmail) -> str:
    """Why it is not there, where that is so."""
    return "" if email.status in SMOOTH else explain(email).sentence


def logins(user: User) -> Iterable[TimelineEntry]:
    return [
        TimelineEntry(login.at, "logged in", " ".join(filter(None, [login.client_address, login.user_agent])))
        for login in user.logins.all()[:MOST]
    ]


def email_changes(user: User) -> Iterator[TimelineEntry]:
    for change in user.email_changes.all()[:MOST]:
        yield TimelineEntry(change.at, "email address changed", str(change))
        if change.undone_at:
            yield TimelineEntry(change.undone_at, "email address change undone", str(change))


def interventions(user: User) -> Iterable[TimelineEntry]:
    """What staff did, from the admin's own log."""
    content_type = ContentType.objects.get_for_model(User)
    entries = LogEntry.objects.filter(content_type=content_type, object_id=str(user.pk)).select_related("user")
    return [
        TimelineEntry(entry.action_time, "manual change", f"{entry.user}: {entry.get_change_message()}")
        for entry in entries[:MOST]
    ]
