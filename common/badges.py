"""States as staff see them in lists: a word, a color, and a shape, so that nobody depends on the color alone."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.html import format_html
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Tone(StrEnum):
    """How much attention a state needs. Each has a color and a shape in ``static/admin/operator.css``."""

    GOOD = "good"  # done, as intended
    BUSY = "busy"  # under way; nobody needs to do anything
    WARNING = "warning"  # may need a person soon
    BAD = "bad"  # went wrong, or needs a person now
    QUIET = "quiet"  # over, and nobody needs to care


@dataclass(frozen=True, slots=True)
class State:
    """What staff read about a row: a few words, and how much attention it needs."""

    label: "StrOrPromise"
    tone: Tone

    @property
    def badge(self) -> SafeString:
        """The state as HTML."""
        return badge(self.label, self.tone)


def badge(label: "StrOrPromise", tone: Tone) -> SafeString:
    """Return the state as HTML."""
    return format_html('<span class="badge badge-{}">{}</span>', tone, label)
