"""Registries that other apps fill in their ``AppConfig.ready()``, so that accounts imports none of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.models import User
from emails.rendering import RenderedEmail

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

RowT = TypeVar("RowT", bound=Model)
EntryT = TypeVar("EntryT")


class Registry(list[EntryT]):
    """A list in which nothing is twice: Django calls ``ready()`` again if a test changes INSTALLED_APPS."""

    def append(self, entry: EntryT) -> None:
        if entry not in self:
            super().append(entry)

    def extend(self, entries: Iterable[EntryT]) -> None:
        for entry in entries:
            self.append(entry)


class Category(StrEnum):
    """What a timeline can be filtered by. ``EVENTS`` repeat what other entries say, so only their filter shows them."""

    EMAIL = "email"
    MONEY = "money"
    LOGINS = "logins"
    STAFF = "staff"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class PageLink:
    """A link to a page of the admin or, if ``is_external``, of another service."""

    label: str
    url: str
    is_external: bool = False


@dataclass(frozen=True, slots=True)
class PageAction:
    """A button that posts to ``url``, for staff with the permission, such as ``emails.change_outboundemail``."""

    label: str
    url: str
    permission: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A line of a user's timeline in the admin. ``url`` is the page that ``what`` leads to, and ``badge`` its state."""

    at: datetime
    what: str
    detail: str = ""
    url: str = ""
    badge: SafeString | str = ""
    links: tuple[PageLink, ...] = ()
    actions: tuple[PageAction, ...] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a timeline that one page shows: at most ``limit`` entries, and nothing newer than ``until``."""

    limit: int
    until: datetime | None = None

    def newest(self, rows: QuerySet[RowT], column: str) -> QuerySet[RowT]:
        """Return the rows in this part, newest first, by the time in this column."""
        if self.until is not None:
            rows = rows.filter(**{f"{column}__lte": self.until})
        # The order must not change between two pages, even if many rows have the same time.
        return rows.order_by(f"-{column}", "pk")[: self.limit]


@dataclass(frozen=True, slots=True)
class TimelineSource:
    """Returns entries of one category. A few more or newer ones than the stretch asks for do no harm."""

    category: Category
    entries: Callable[[User, Stretch], Iterable[TimelineEntry]]


timeline_sources: list[TimelineSource] = Registry()


@dataclass(frozen=True, slots=True)
class PersonFact:
    """A line at the head of a user's page in the admin, with a value, a badge, or both."""

    label: str
    value: str = ""
    url: str = ""
    badge: SafeString | str = ""
    links: tuple[PageLink, ...] = ()


# Each returns what its app knows about the user right now, with few queries.
fact_sources: list[Callable[[User], Iterable[PersonFact]]] = Registry()


@dataclass(frozen=True, slots=True)
class StaffEmail:
    """An email that staff can send to a user by hand, by calling the app's own function.

    ``name`` identifies it among those of the user, such as ``receipt:in_1``. ``send`` is called with ``again``, a part
    of the idempotency key, and may raise ``ActionRefused``. ``render`` is None if only the recipient may see the links.
    """

    name: str
    kind: str
    label: str
    send: Callable[..., None]
    render: Callable[[], RenderedEmail] | None = None


# Each returns the emails for which the user has data, at most a few.
staff_email_sources: list[Callable[[User], Iterable[StaffEmail]]] = Registry()

# By name in the export. Each returns everything that its app stores about the user, as JSON-compatible values.
export_sources: dict[str, Callable[[User], object]] = {}

# Each returns a message for the user if the account can't be deleted now: the reason, and what to do first. Otherwise,
# it returns an empty string.
deletion_guards: list[Callable[[User], str]] = Registry()

# Each returns what the user's contact at the email provider should know, by attribute.
contact_attribute_sources: list[Callable[[User], Mapping[str, Any]]] = Registry()

# Each is called in the transaction that changes a user's email address, with the changed user.
address_receivers: list[Callable[[User], None]] = Registry()

# Each returns the HTML of a banner for the top of every page, rendered from a template, or an empty string for none.
# All are called on every page that a logged-in user opens, so each may make one query.
banners: list[Callable[[HttpRequest], str]] = Registry()

# The same for a user's name.
name_receivers: list[Callable[[User], None]] = Registry()

# Each returns the HTML of a dashboard panel, rendered from a template, or an empty string for no panel.
dashboard_panels: list[Callable[[HttpRequest], str]] = Registry()


# Each returns the HTML of a section of the home page, such as the plans, or an empty string.
home_sections: list[Callable[[HttpRequest], str]] = Registry()


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A link in the header of every page. ``url_name`` is the name of its route."""

    url_name: str
    label: "str | StrPromise"


# For users who are logged in, and for visitors.
navigation_links: list[NavigationLink] = Registry()
visitor_links: list[NavigationLink] = Registry()

# In the footer of every page, before the terms.
footer_links: list[NavigationLink] = Registry()
