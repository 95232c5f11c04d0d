"""A user's timeline: emails, money, logins, and what staff did, newest first, in pages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Self

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.utils.timezone import is_aware, localdate

from accounts.admin.person_emails import email_entries
from accounts.admin.staff_log import staff_entries
from accounts.hooks import Category, Stretch, TimelineEntry, TimelineSource, timeline_sources
from accounts.models import User

PAGE = 30  # entries
MAX_SKIPPED = 10_000
MAX_CHANGES = 200  # of the email address
SHOW, UNTIL, SKIP = "show", "until", "skip"  # the parameters of its links
LABELS = {
    Category.EMAIL: "Email",
    Category.MONEY: "Money",
    Category.LOGINS: "Logins",
    Category.STAFF: "Staff actions",
    Category.EVENTS: "Payment events",
}


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: at this time, after the entries of the same time that an earlier page has shown."""

    until: datetime | None = None
    skip: int = 0

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        until, skip = request.GET.get(UNTIL, ""), request.GET.get(SKIP, "0")
        if not until:
            return cls()
        try:
            moment = parse_datetime(until)
        except ValueError:
            moment = None
        is_number = skip.isascii() and skip.isdigit() and len(skip) < len(str(MAX_SKIPPED))
        if moment is None or not is_aware(moment) or not is_number:
            raise BadRequest("There is no such place in the timeline.")
        return cls(moment, int(skip))


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that filters the timeline."""

    label: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """What the template shows. ``older`` and ``newest`` are links, or empty."""

    days: Sequence[tuple[date, Sequence[TimelineEntry]]]
    choices: Sequence[Choice]
    older: str
    newest: str


def timeline_page(request: HttpRequest, user: User) -> TimelinePage:
    position, shown = Position.of(request), category_in(request)
    entries = entries_from(user, position, shown)
    page, rest = [permitted(request, entry) for entry in entries[:PAGE]], entries[PAGE:]
    return TimelinePage(
        days=[(day, [*of_day]) for day, of_day in groupby(page, key=lambda entry: localdate(entry.at))],
        choices=choices(shown),
        older=link(shown, after(position, page)) if rest else "",
        newest=link(shown) if position.until else "",
    )


def permitted(request: HttpRequest, entry: TimelineEntry) -> TimelineEntry:
    """Return the entry with the buttons that the member of staff may press."""
    return replace(entry, actions=tuple(one for one in entry.actions if request.user.has_perm(one.permission)))


def category_in(request: HttpRequest) -> Category | None:
    """Return the category to show, or None for all."""
    name = request.GET.get(SHOW, "")
    if not name:
        return None
    if name not in [*Category]:
        raise BadRequest(f"The timeline can show {', '.join(Category)}.")
    return Category(name)


def entries_from(user: User, position: Position, shown: Category | None) -> list[TimelineEntry]:
    """Return the entries of a page and at least one more, if there are more."""
    # Each source is asked for as many as the page could show of it alone, so none of them has to be read to its end.
    stretch = Stretch(limit=PAGE + position.skip + 1, until=position.until)
    entries = [entry for source in sources(shown) for entry in source.entries(user, stretch)]
    if position.until is not None:
        entries = [entry for entry in entries if entry.at <= position.until]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[position.skip :]


def sources(shown: Category | None) -> Iterator[TimelineSource]:
    for source in [*OWN_SOURCES, *timeline_sources]:
        if source.category == shown or (shown is None and source.category != Category.EVENTS):
            yield source


def after(position: Position, page: Sequence[TimelineEntry]) -> Position:
    """Return the position of the page that follows this one."""
    last = page[-1].at
    skip = sum(entry.at == last for entry in page)
    return Position(last, skip + (position.skip if last == position.until else 0))


def link(shown: Category | None, position: Position | None = None) -> str:
    query: dict[str, str] = {SHOW: shown} if shown else {}
    if position and position.until:
        query |= {UNTIL: position.until.isoformat(), SKIP: str(position.skip)}
    return f"?{urlencode(query)}#timeline"


def choices(shown: Category | None) -> list[Choice]:
    offered = {source.category for source in [*OWN_SOURCES, *timeline_sources]}
    everything = Choice("Everything", link(None), shown is None)
    return [
        everything,
        *(Choice(label, link(name), name == shown) for name, label in LABELS.items() if name in offered),
    ]


# The sources of this app


def milestones(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    yield TimelineEntry(user.date_joined, "Signed up")
    if user.email_verified_at:
        yield TimelineEntry(user.email_verified_at, "Email address verified", user.email)


def logins(user: User, stretch: Stretch) -> Iterable[TimelineEntry]:
    devices = reverse("admin:accounts_user_devices", args=[user.pk])
    return [
        TimelineEntry(
            login.at,
            "Logged in",
            " ".join(filter(None, [login.client_address, login.user_agent])),
            f"{devices}#login-{login.pk}",
        )
        for login in stretch.newest(user.logins.all(), "at")
    ]


def email_changes(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    # Their number is limited (accounts/throttling.py), and one row can be two entries.
    for change in user.email_changes.all()[:MAX_CHANGES]:
        yield TimelineEntry(change.at, "Email address changed", str(change))
        if change.undone_at:
            yield TimelineEntry(change.undone_at, "Email address change undone", str(change))


OWN_SOURCES = [
    TimelineSource(Category.EMAIL, email_entries),
    TimelineSource(Category.LOGINS, milestones),
    TimelineSource(Category.LOGINS, logins),
    TimelineSource(Category.LOGINS, email_changes),
    TimelineSource(Category.STAFF, staff_entries),
]
