"""The optional attributes of a message that django-anymail documents, and what becomes of each.

Anymail adds them to any ``EmailMessage``: https://anymail.dev/en/stable/sending/anymail_additions/. They are either
carried or refused. If one got lost, a message could reach more people than it should, or be tracked against its
sender's wish.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.mail import EmailMessage
from django.utils import timezone

from emails.errors import InvalidMessage
from emails.message.text_rules import header_text

CARRIED = frozenset({"envelope_sender", "metadata", "send_at", "tags", "track_clicks", "track_opens"})
# What to do instead of each attribute that is refused. Three of them make Anymail send one message per recipient.
REFUSED = {
    "esp_extra": "Use the fields of EmailMessage, tags, and metadata.",
    "merge_data": "Create one message per recipient.",
    "merge_global_data": "Render the email here.",
    "merge_headers": "Create one message per recipient.",
    "merge_metadata": "Create one message per recipient.",
    "template_id": "Render the email here.",
}
# AnymailMessage gives this class to all attributes that the caller didn't set. Anymail is optional, so the class is
# recognized by its name.
UNSET = "UNSET"


def option(email: EmailMessage, name: str) -> Any:
    """Return the attribute, or None if it isn't set. An empty value is set: to Anymail, it can mean something."""
    value = getattr(email, name, None)
    return None if isinstance(value, type) and value.__name__ == UNSET else value


def refuse_options(email: EmailMessage) -> None:
    """Raise ``InvalidMessage`` if the message sets an attribute that can't be carried."""
    for name, advice in REFUSED.items():
        if option(email, name) is not None:
            raise InvalidMessage(f"The message sets {name}, which can't be passed on. {advice}")


def tags(email: EmailMessage) -> tuple[str, ...]:
    """Return the tags. Raises ``InvalidMessage`` for a string, whose characters would each become a tag."""
    found = option(email, "tags")
    if isinstance(found, str | bytes):
        raise InvalidMessage("tags is a string. Pass a list of strings.")
    return tuple(header_text("tag", tag) for tag in found or ())


def metadata(email: EmailMessage) -> tuple[tuple[str, str], ...]:
    """Return the metadata as pairs of strings. Raises ``InvalidMessage``."""
    found = option(email, "metadata")
    if found is not None and not isinstance(found, Mapping):
        raise InvalidMessage(f"metadata is a {type(found).__name__}. Pass a dict.")
    pairs = (found or {}).items()
    return tuple((header_text("metadata", key), header_text("metadata", value)) for key, value in pairs)


def tracking(email: EmailMessage, *, is_sensitive: bool) -> tuple[bool | None, bool | None]:
    """Return ``track_clicks`` and ``track_opens``; None means the provider's setting. Raises ``InvalidMessage``."""
    clicks, opens = (option(email, name) for name in ("track_clicks", "track_opens"))
    for name, value in (("track_clicks", clicks), ("track_opens", opens)):
        if value is not None and not isinstance(value, bool):
            raise InvalidMessage(f"{name} is {value!r}. Pass True or False.")
        if value and is_sensitive:
            raise InvalidMessage(
                f"The message sets {name}, but sensitive messages are never tracked. Remove one of them."
            )
    return clicks, opens


def send_at(email: EmailMessage) -> datetime | None:
    """Return the time to send the message, in UTC, from a datetime or Unix seconds. Raises ``InvalidMessage``."""
    moment = option(email, "send_at")
    if moment is None:
        return None
    try:
        # In Python, True is also the int 1.
        if isinstance(moment, int | float) and not isinstance(moment, bool):
            return datetime.fromtimestamp(moment, UTC)
        if isinstance(moment, datetime):
            # Django interprets naive datetimes in the current time zone.
            aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
            return aware.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise InvalidMessage(f"send_at is {moment!r}. Pass a datetime or a Unix time in seconds.")
