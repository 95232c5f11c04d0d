"""Badges: a state in a few words, with the color that shows how good or bad it is."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class BadgeClass(StrEnum):
    """The classes of ``.badge`` in static/site.css, which templates insert as they are."""

    GOOD = "good"
    WAIT = "wait"
    BAD = "bad"
    NEUTRAL = ""


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as a page shows it: ``<span class="badge {{ badge.css_class }}">{{ badge.text }}</span>``."""

    text: "StrOrPromise"
    css_class: BadgeClass
