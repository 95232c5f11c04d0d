"""Finds the row whose page in this admin was pasted as a URL."""

import re
from urllib.parse import urlsplit

from django.apps import apps
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.urls import reverse

from operations.home.search.terms import Terms

ROW = re.compile(r"(?P<app>\w+)/(?P<model>\w+)/(?P<pk>[^/]+)/")


def row_of_page(terms: Terms) -> Model | None:
    """Return the row, whatever page about it the URL names, or None."""
    for url in terms.urls:
        try:
            path = urlsplit(url).path
        except ValueError:
            continue
        home = reverse("admin:index")
        match = ROW.match(path.removeprefix(home)) if path.startswith(home) else None
        if match and (row := stored_row(**match.groupdict())) is not None:
            return row
    return None


def stored_row(app: str, model: str, pk: str) -> Model | None:
    try:
        found = apps.get_model(app, model)
        row: Model | None = found._default_manager.filter(pk=found._meta.pk.to_python(unquote(pk))).first()
    except (LookupError, ValueError, ValidationError, OverflowError):
        return None
    return row
