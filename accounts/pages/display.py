"""The states of emails, as the pages show them."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from common.display import Badge, BadgeClass
from emails.models import OutboundEmail, Status

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

EMAIL_BADGES: dict[str, Badge] = {
    Status.QUEUED: Badge(_("On its way"), BadgeClass.WAIT),
    Status.SENDING: Badge(_("On its way"), BadgeClass.WAIT),
    Status.SENT: Badge(_("Sent"), BadgeClass.GOOD),
    Status.DELIVERED: Badge(_("Delivered"), BadgeClass.GOOD),
    Status.BOUNCED: Badge(_("Rejected by your mail server"), BadgeClass.BAD),
    Status.COMPLAINED: Badge(_("Reported as spam"), BadgeClass.BAD),
    Status.FAILED: Badge(_("Not sent"), BadgeClass.BAD),
    Status.SUPPRESSED: Badge(_("Not sent: earlier emails bounced"), BadgeClass.BAD),
    Status.EXPIRED: Badge(_("Not sent in time"), BadgeClass.BAD),
    Status.CANCELLED: Badge(_("Canceled"), BadgeClass.NEUTRAL),
}

# What happened to an email, and what the person can do.
EMAIL_SENTENCES: dict[str, "StrPromise"] = {
    Status.QUEUED: _("We're sending it. It usually arrives within a minute."),
    Status.SENDING: _("We're sending it. It usually arrives within a minute."),
    Status.SENT: _("We've sent it. If you can't find it, check your spam folder."),
    Status.DELIVERED: _("Your mail server accepted it. If you can't find it, check your spam folder."),
    Status.BOUNCED: _("Your mail server rejected it. Check your email address, and whether your inbox is full."),
    Status.COMPLAINED: _("It was reported as spam. We now email you only what you request, such as a new password."),
    Status.FAILED: _("We couldn't send it. If you need it, ask our support for a copy."),
    Status.SUPPRESSED: _(
        "We didn't send it, because your mail server rejected earlier ones or they were reported as spam."
    ),
    Status.EXPIRED: _("We couldn't send it in time, so it was no longer useful."),
    Status.CANCELLED: _("We withdrew it before it was sent."),
}
# By kind: the route where the person gets a new email with a link.
NEW_LINKS = {
    "welcome": "pages:welcome",
    "password_reset": "pages:forgot-password",
    "email_change": "pages:settings-email",
    "email_keep": "pages:settings-email-keep",
}


def email_badge(email: OutboundEmail) -> Badge:
    return EMAIL_BADGES[email.status]
