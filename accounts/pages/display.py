"""The states of emails, as the pages show them."""

from django.utils.translation import gettext_lazy as _

from common.display import Badge, BadgeClass
from emails.models import OutboundEmail, Status

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


def email_badge(email: OutboundEmail) -> Badge:
    return EMAIL_BADGES[email.status]
