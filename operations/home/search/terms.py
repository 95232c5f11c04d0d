"""What somebody typed or pasted, taken apart into what can be looked up."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

from common.email_addresses import normalize_address
from common.lists import as_uuid

MAX_LENGTH = 1_000  # characters; a longer text isn't something to look up
MAX_WORDS = 8  # each is compared with a dozen indexes
MAX_ADDRESSES = 3
MAX_WORD_LENGTH = 255  # that of the longest ID
SEPARATORS = re.compile(r"[\s\x00-\x1f\u200b-\u200d\u2060\ufeff<>()\[\]{}\"'“”„‘’`|,;]+")
URL = re.compile(r"(?:https?://|/)\S+", re.IGNORECASE)
PUNCTUATION = ".,;:!?…*"
MAILTO = "mailto:"


@dataclass(frozen=True)
class Terms:
    """A search. ``text`` is what was typed, without spaces around it."""

    text: str

    @classmethod
    def read(cls, typed: str) -> "Terms":
        return cls(" ".join(typed.replace("\0", " ").split()))

    @property
    def is_too_long(self) -> bool:
        return len(self.text) > MAX_LENGTH

    @cached_property
    def words(self) -> list[str]:
        """What may be an ID: the whole text, its words, and the parts of URLs, each in lowercase as well."""
        if self.is_too_long:
            return []
        found = [self.text, *self._plain_words, *self.parts_of_urls]
        usable = (word for word in found if 0 < len(word) <= MAX_WORD_LENGTH)
        first = [*dict.fromkeys(usable)][:MAX_WORDS]
        return [*dict.fromkeys([*first, *(word.lower() for word in first)])]

    @cached_property
    def addresses(self) -> list[str]:
        """The email addresses in the text, in their normal form."""
        return [normalize_address(word) for word in self.typed_addresses]

    @cached_property
    def typed_addresses(self) -> list[str]:
        """The email addresses as they were typed."""
        found = [word for word in [*self._plain_words, *self.parts_of_urls] if re.fullmatch(r"[^@/]+@[^@/]+", word)]
        return [*dict.fromkeys(found)][:MAX_ADDRESSES]

    @cached_property
    def uuids(self) -> list[UUID]:
        return [*dict.fromkeys(filter(None, map(as_uuid, self.words)))]

    @cached_property
    def numbers(self) -> list[int]:
        """A number that was typed, as in ``12`` or ``user #12``. In a URL or a sentence, it may count anything."""
        words = [word.lstrip("#") for word in self._plain_words] if len(self._plain_words) <= 2 else []
        return [int(word) for word in words if re.fullmatch(r"[0-9]{1,18}", word)]

    @cached_property
    def urls(self) -> list[str]:
        return [] if self.is_too_long else URL.findall(self.text)[:MAX_WORDS]

    @cached_property
    def parts_of_urls(self) -> list[str]:
        return [part for url in self.urls for part in parts_of(url)]

    @cached_property
    def part(self) -> str:
        """What may be part of a name or of an email address."""
        address = max(self.typed_addresses, key=len, default="")
        return address or self.text.strip(PUNCTUATION + "\"'<>()")

    @cached_property
    def _plain_words(self) -> list[str]:
        rest = "" if self.is_too_long else self.text
        for url in self.urls:
            rest = rest.replace(url, " ")
        return [*cleaned(SEPARATORS.split(rest))]


def cleaned(words: Iterable[str]) -> Iterator[str]:
    """Yield the words without punctuation around them. ``key=value`` also yields the value."""
    for word in words:
        stripped = word.strip(PUNCTUATION)
        if stripped.lower().startswith(MAILTO):
            stripped = stripped[len(MAILTO) :].partition("?")[0]
        if stripped:
            yield stripped
        if "=" in stripped and "@" not in stripped:
            yield stripped.rpartition("=")[2]


def parts_of(url: str) -> Iterator[str]:
    """Yield the parts of a URL that may be an ID, the last one first, because that is usually the one."""
    try:
        split = urlsplit(url)
    except ValueError:  # such as http://[
        return
    segments = [unquote(segment) for segment in split.path.split("/")]
    yield from cleaned(reversed(segments))
    yield from cleaned(value for _, value in parse_qsl(split.query))
    yield from cleaned(split.fragment.split("/"))
