"""HTML links from one page of the admin to another."""

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString


def change_url(row: Model) -> str:
    """Return the path of the row's page in the admin, or an empty string if the row has none."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[quote(row.pk)])
    except NoReverseMatch:
        return ""


def to_row(row: Model, label: str = "") -> SafeString | str:
    """Return a link to the page of the row, or only its name if it has none."""
    url = change_url(row)
    return format_html('<a href="{}">{}</a>', url, label or row) if url else label or str(row)


def to_list(model: type[Model], query: str, label: str) -> SafeString:
    """Return a link to the list of ``model``, searched for ``query``."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return format_html('<a href="{}?{}">{}</a>', url, urlencode({"q": query}), label)
