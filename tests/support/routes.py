"""Sample paths of all routes of the project, taken from its URL patterns, so that new routes are included."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils.regex_helper import normalize

SAMPLES = {"int": "1", "uuid": "00000000-0000-4000-8000-000000000000", "path": "a/b"}
OUTSIDE_THE_URLCONF = ["/healthz", "/readyz", "/static/site.css", "/nothing", "/api/nothing", "/admin/nothing/"]
NOT_PAGES = ("/api/", "/stripe/webhook", "/emails/webhooks/", "/healthz", "/readyz", "/static/")


def all_paths() -> list[str]:
    """Return one path for each route, and some that no route has."""
    return sorted({f"/{path}" for path in _paths(get_resolver().url_patterns, "")} | {*OUTSIDE_THE_URLCONF})


def page_paths() -> list[str]:
    """Return the paths of pages, the admin, and unknown paths: all but the API, webhooks, probes, and static files."""
    return [path for path in all_paths() if not path.startswith(NOT_PAGES)]


def _paths(patterns: list[Any], prefix: str) -> Iterator[str]:
    for entry in patterns:
        path = prefix + _sample(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _paths(entry.url_patterns, path)
        elif isinstance(entry, URLPattern):
            yield path


def _sample(pattern: Any) -> str:
    if isinstance(pattern, RoutePattern):
        return re.sub(r"<(?:(\w+):)?\w+>", lambda match: SAMPLES.get(match[1], "x"), str(pattern))
    # A parameter with alternatives, (?P<provider>resend|sendgrid), gets the first.
    choices = dict(re.findall(r"\(\?P<(\w+)>(\w+)\|", str(pattern)))
    format_string, names = normalize(str(pattern))[0]
    return format_string % {name: choices.get(name, "1") for name in names}
