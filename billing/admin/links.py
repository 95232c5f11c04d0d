"""HTML links from one page of the admin to another."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from billing.models import StripeEvent
from common.links import to_list, to_row
from emails.models import OutboundEmail

__all__ = ["to_emails", "to_events", "to_list", "to_row", "to_stripe"]


def to_emails(query: str) -> SafeString | str:
    """Return a link to the emails to an address, or to those whose idempotency key contains a Stripe id."""
    return to_list(OutboundEmail, query, gettext("search for %s") % query) if query else "-"


def to_events(query: str) -> SafeString | str:
    return to_list(StripeEvent, query, gettext("search for %s") % query) if query else "-"


def to_stripe(url: str) -> SafeString:
    """Return a link to a page of Stripe's Dashboard."""
    return format_html('<a href="{}" rel="noreferrer">{}</a>', url, gettext("Open at Stripe"))
