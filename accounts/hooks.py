"""What other apps add to accounts: each appends in its ``AppConfig.ready()``, so that accounts imports none of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.http import HttpRequest

from accounts.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a person's history in the admin. ``url`` leads to the row behind it."""

    at: datetime
    what: str
    detail: str = ""
    url: str = ""


# Each returns its newest entries, at most a few hundred; accounts sorts those of all sources.
timeline_sources: list[Callable[[User], Iterable[TimelineEntry]]] = []

# By the name under which it appears in the export: everything stored about the person, as values that JSON knows.
export_sources: dict[str, Callable[[User], object]] = {}

# Each returns the sentence that says why the account cannot be deleted now and what to do; empty if it can.
deletion_guards: list[Callable[[User], str]] = []

# Each returns the HTML of a panel of the dashboard, rendered from a template; empty for none.
dashboard_panels: list[Callable[[HttpRequest], str]] = []


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A page that logged-in people find in the head of every page: ``url_name`` is reversed, ``label`` translated."""

    url_name: str
    label: "str | StrPromise"


navigation_links: list[NavigationLink] = []
