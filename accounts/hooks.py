"""Registries that other apps fill in their ``AppConfig.ready()``, so that accounts imports none of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

from accounts.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A line of a user's timeline in the admin. ``url`` is the admin page of the row it comes from, or empty."""

    at: datetime
    what: str
    detail: str = ""
    url: str = ""


# Each returns its newest entries, at most a few hundred. The admin merges and sorts the entries of all sources.
timeline_sources: list[Callable[[User], Iterable[TimelineEntry]]] = []

# By name in the export. Each returns everything that its app stores about the user, as JSON-compatible values.
export_sources: dict[str, Callable[[User], object]] = {}

# Each returns a message for the user if the account can't be deleted now: the reason, and what to do first. Otherwise,
# it returns an empty string.
deletion_guards: list[Callable[[User], str]] = []

# Each returns what the user's contact at the email provider should know, by attribute.
contact_attribute_sources: list[Callable[[User], Mapping[str, Any]]] = []

# Each is called in the transaction that changes a user's email address, with the changed user.
address_receivers: list[Callable[[User], None]] = []

# Each returns the HTML of a banner for the top of every page, rendered from a template, or an empty string for none.
# All are called on every page that a logged-in user opens, so each may make one query.
banners: list[Callable[[HttpRequest], str]] = []

# The same for a user's name.
name_receivers: list[Callable[[User], None]] = []

# Each returns the HTML of a dashboard panel, rendered from a template, or an empty string for no panel.
dashboard_panels: list[Callable[[HttpRequest], str]] = []


# Each returns the HTML of a section of the home page, such as the plans, or an empty string.
home_sections: list[Callable[[HttpRequest], str]] = []


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A link in the header of every page. ``url_name`` is the name of its route."""

    url_name: str
    label: "str | StrPromise"


# For users who are logged in, and for visitors.
navigation_links: list[NavigationLink] = []
visitor_links: list[NavigationLink] = []

# In the footer of every page, before the terms.
footer_links: list[NavigationLink] = []
