"""Field access that never fails: whatever Stripe sends, each field has the expected type or is empty."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError

from common.email_addresses import normalize_address, validate_address
from common.redaction import CONTROL_CHARACTERS

NAMED_ADDRESS = re.compile(r"[^<>@]*<([^<>\s]+)>")
MAX_ID_LENGTH = 255
MAX_TEXT_LENGTH = 500
MAX_URL_LENGTH = 2000
MAX_INTEGER = 10**15  # fits into a 64-bit column even after a sum over many rows


class UnusableObject(ValueError):
    """An object without an id: we could never find it again."""


@dataclass(frozen=True, slots=True)
class StripeObject:
    """One of Stripe's JSON objects. It is false if it has no fields.

    Stripe adds and removes fields without notice. A missing field, or one of an unexpected type, reads as an empty
    value, so that it can't stop the event it came with. For example, ``event.inner("payment").ref("payment_intent")``
    returns the ID in ``{"payment": {"payment_intent": "pi_…"}}``, or an empty string if any part of it is missing.
    """

    data: Mapping[str, Any]

    def __bool__(self) -> bool:
        return bool(self.data)

    @property
    def id(self) -> str:
        return self.text("id", MAX_ID_LENGTH)

    def require_id(self) -> str:
        """The id. Raises ``UnusableObject`` if there is none."""
        if not self.id:
            raise UnusableObject("The event's object has no ID.")
        return self.id

    def inner(self, *path: str) -> "StripeObject":
        """Return the object at the end of the path, or an empty one."""
        data: Any = self.data
        for name in path:
            value = data.get(name)
            data = value if isinstance(value, dict) else {}
        return StripeObject(data)

    def objects(self, name: str) -> Iterator["StripeObject"]:
        """Yield the objects of a JSON array."""
        rows = self.data.get(name)
        return (StripeObject(row) for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict))

    def items(self, name: str) -> Iterator["StripeObject"]:
        """Yield the objects of one of Stripe's lists. Events contain at most the first ten."""
        return self.inner(name).objects("data")

    def text(self, name: str, max_length: int = MAX_TEXT_LENGTH) -> str:
        """Return one line of text, without characters that a database column or an email can't contain."""
        value = self.data.get(name)
        return CONTROL_CHARACTERS.sub(" ", value)[:max_length].strip() if isinstance(value, str) else ""

    def integer(self, name: str) -> int:
        """Return 0 for anything that can't be an amount or a count."""
        return self.known_integer(name) or 0

    def known_integer(self, name: str) -> int | None:
        """Return None for anything that can't be an amount or a count, so that it differs from a 0 that Stripe sent."""
        value = self.data.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return value if abs(value) <= MAX_INTEGER else None

    def is_true(self, name: str) -> bool:
        return self.data.get(name) is True

    def moment(self, name: str) -> datetime | None:
        """Return the time that the field gives in Unix seconds."""
        value = self.data.get(name)
        try:
            return datetime.fromtimestamp(value, UTC) if isinstance(value, int) and value > 0 else None
        except (ValueError, OverflowError, OSError):
            return None

    def ref(self, name: str) -> str:
        """Return the id of another object, which Stripe sends alone or inside the expanded object."""
        return self.inner(name).id or self.text(name, MAX_ID_LENGTH)

    def link(self, name: str) -> str:
        """Return an https URL, or an empty string."""
        url = self.text(name, MAX_URL_LENGTH)
        return url if url.startswith("https://") else ""

    def currency(self, name: str = "currency") -> str:
        """Return the currency's code in lower case."""
        return self.text(name, 3).lower()

    def email_address(self, name: str) -> str:
        """Return the normalized email address, or an empty string if no email could be sent to it.

        A name in front of it, as in ``Ada <ada@example.com>``, is left out.
        """
        text = self.text(name)
        named = NAMED_ADDRESS.fullmatch(text)
        address = normalize_address(named[1] if named else text)
        try:
            validate_address(address)
        except ValidationError:
            return ""
        return address
