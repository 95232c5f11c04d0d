"""HTML links from one page of the admin to another."""

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from billing.models import StripeEvent
from common.admin import change_url
from emails.models import OutboundEmail


def to_search(model: type[Model], query: str, label: str) -> SafeString:
    """Return a link to the list of ``model``, searched for ``query``."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return format_html('<a href="{}?{}">{}</a>', url, urlencode({"q": query}), label)


def to_emails(query: str) -> SafeString | str:
    """Return a link to the emails to an address, or to those whose idempotency key contains a Stripe id."""
    return to_search(OutboundEmail, query, gettext("search for %s") % query) if query else "-"


def to_events(query: str) -> SafeString | str:
    return to_search(StripeEvent, query, gettext("search for %s") % query) if query else "-"


def to_stripe(url: str) -> SafeString:
    """Return a link to a page of Stripe's Dashboard."""
    return format_html('<a href="{}" rel="noreferrer">{}</a>', url, gettext("Open at Stripe"))


def to_row(row: Model) -> SafeString:
    return format_html('<a href="{}">{}</a>', change_url(row), row)
