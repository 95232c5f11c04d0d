"""What the pages show of devices and mails, in a person's words."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from emails.models import OutboundEmail, Status

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# The first that is found counts: browsers name the older ones that they descend from.
BROWSERS = {
    "Edg(e|A|iOS)?/": "Edge", "OPR/|Opera": "Opera", "SamsungBrowser/": "Samsung Internet",
    "(Firefox|FxiOS)/": "Firefox", "(Chrome|CriOS|Chromium)/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "CrOS": "ChromeOS", "Windows": "Windows",
    "Mac OS X|Macintosh": "macOS", "Linux": "Linux",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MailState:
    words: "StrPromise"
    mood: str  # a class of static/site.css


MAIL_STATES: dict[str, MailState] = {
    Status.QUEUED: MailState(_("On its way"), "wait"),
    Status.SENDING: MailState(_("On its way"), "wait"),
    Status.SENT: MailState(_("Sent"), "good"),
    Status.DELIVERED: MailState(_("Delivered"), "good"),
    Status.BOUNCED: MailState(_("Rejected by your mail server"), "bad"),
    Status.COMPLAINED: MailState(_("Reported as spam"), "bad"),
    Status.FAILED: MailState(_("Not sent"), "bad"),
    Status.SUPPRESSED: MailState(_("Not sent: earlier emails bounced"), "bad"),
    Status.EXPIRED: MailState(_("Not sent in time"), "bad"),
    Status.CANCELLED: MailState(_("Canceled"), ""),
}


def mail_state(email: OutboundEmail) -> MailState:
    return MAIL_STATES[email.status]


def device_name(user_agent: str) -> str:
    """Such as "Firefox on Linux"; what is no browser by the first word of what it calls itself."""
    browser, system = first_found(BROWSERS, user_agent), first_found(SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    program = user_agent.partition("/")[0].strip()
    return browser or system or program or str(_("Unknown device"))


def first_found(names: dict[str, str], user_agent: str) -> str:
    return next((name for pattern, name in names.items() if re.search(pattern, user_agent)), "")
