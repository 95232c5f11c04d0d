"""Runs a search: exact hits first, then what is known about an address, and only then parts of names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db.models import Model

from accounts.models import User
from common.admin import change_url
from emails.models import OutboundEmail
from operations.home.links import list_url
from operations.home.search.descriptions import described
from operations.home.search.finders import EXACT, MAX_HITS, RELATED, Finder, people_like
from operations.home.search.hits import Group
from operations.home.search.pages import row_of_page
from operations.home.search.terms import Terms
from operations.home.viewer import Viewer

TITLES = {"user": "People", "outboundemail": "Messages"}


@dataclass(frozen=True, slots=True)
class Results:
    """What was found. ``only_url`` is the page of the only row that the search names exactly, or empty."""

    terms: Terms
    groups: list[Group]
    only_url: str = ""
    # The searched email address, if no account has it.
    address: str = ""


def search(typed: str, viewer: Viewer) -> Results:
    """Look up what was typed. Takes a number of queries that doesn't depend on the text."""
    terms = Terms.read(typed)
    if not terms.text or terms.is_too_long:
        return Results(terms, [])
    row = row_of_page(terms)
    if row is not None and viewer.may_view(type(row)):
        return Results(terms, [], only_url=change_url(row))
    if exact := [*groups_of(EXACT, terms, viewer)]:
        return Results(terms, exact, only_url=only_url(exact))
    related = [*groups_of(RELATED, terms, viewer)]
    if terms.addresses:  # without an account, or one that the person may not see
        address = terms.addresses[0] if viewer.may_view(User) else ""
        return Results(terms, [*related, *groups_of({User: people_like}, terms, viewer)], address=address)
    if related:
        return Results(terms, related, only_url=only_url(related))
    return Results(terms, [*groups_of({User: people_like}, terms, viewer)])


def only_url(groups: list[Group]) -> str:
    """Return the page of the only hit, or an empty string if there are several."""
    hits = [hit for group in groups for hit in group.hits]
    return hits[0].url if len(hits) == 1 else ""


def groups_of(finders: Mapping[type[Model], Finder], terms: Terms, viewer: Viewer) -> Iterator[Group]:
    for model, find in finders.items():
        hits = [described(row) for row in find(terms)] if viewer.may_view(model) else []
        if hits:
            yield Group(title_of(model), hits, more_url(model, terms) if len(hits) >= MAX_HITS else "")


def title_of(model: type[Model]) -> str:
    name = str(model._meta.model_name)
    return TITLES.get(name) or str(model._meta.verbose_name_plural).capitalize()


def more_url(model: type[Model], terms: Terms) -> str:
    return list_url(model, q=terms.part) if model in (User, OutboundEmail) else ""
