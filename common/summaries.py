"""What staff read first on a row's page in the admin, before any field."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.badges import State

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Summary:
    """The state of a row in one sentence, what to do, and links to everything related.

    ``advice`` is empty if nobody needs to do anything. ``facts`` are pairs of a name and a text or a link.
    ``link`` leads to what the advice names.
    """

    state: State
    sentence: "StrOrPromise"
    advice: "StrOrPromise" = ""
    facts: Sequence[tuple["StrOrPromise", "StrOrPromise"]] = ()
    link: str = ""
