"""Reading single values: of whatever type they come, they become the type that is wanted, or an empty one."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError

from common.email_addresses import normalize_address, validate_address
from common.redaction import CONTROL_CHARACTERS

Payload = Mapping[str, Any]

ID_CHARACTERS = 255
TEXT_CHARACTERS = 500
MOST = 10**15


class UnusableObject(ValueError):
    """An event about something without an id: nothing could ever be found again by it."""


def inner(data: Payload, *path: str) -> Payload:
    """The object at the end of the path; empty where there is none."""
    for name in path:
        value = data.get(name)
        data = value if isinstance(value, dict) else {}
    return data


def text(value: Any, most: int = TEXT_CHARACTERS) -> str:
    """One line, without what no database column or mail takes."""
    return CONTROL_CHARACTERS.sub(" ", value)[:most].strip() if isinstance(value, str) else ""


def integer(value: Any) -> int:
    """0 for what no amount or count can be."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and abs(value) <= MOST else 0


def moment(value: Any) -> datetime | None:
    """From Unix seconds."""
    try:
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int) and value > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def ref(value: Any) -> str:
    """An id, whether it comes alone or in its expanded object."""
    return text(value.get("id") if isinstance(value, dict) else value, ID_CHARACTERS)


def own_id(data: Payload) -> str:
    if not (found := ref(data)):
        raise UnusableObject("The event's object has no ID.")
    return found


def link(value: Any) -> str:
    found = text(value, 2000)
    return found if found.startswith("https://") else ""


def items(data: Payload, name: str) -> Iterator[Payload]:
    """The objects of one of Stripe's lists, which holds at most its first ten."""
    found = inner(data, name).get("data")
    return (item for item in (found if isinstance(found, list) else []) if isinstance(item, dict))


def customer_of(data: Payload) -> str:
    """Accounts of Stripe's second version are customers without being called so."""
    return ref(data.get("customer")) or ref(data.get("customer_account"))


def user_id_of(metadata: Payload) -> int | None:
    """Our own mark on the sessions that we create; buyers cannot set it."""
    value = metadata.get("user_id")
    is_key = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18
    return int(str(value)) if is_key else None


def address(value: Any) -> str:
    """In its normal form; empty for what no mail could be sent to."""
    found = normalize_address(text(value))
    try:
        validate_address(found)
    except ValidationError:
        return ""
    return found
