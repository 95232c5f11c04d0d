"""The marketing side: telling Sequenzy who subscribed, which tags they have, what they did.

As durable as mail: each change is a row in the caller's transaction and reaches Sequenzy after the commit, once, those
of a contact in the order in which they were made. With any other EMAIL_PROVIDER nothing is told, and the log says so.
With CONTACTS_SYNC off nothing is told either, except what a person has a right to: unsubscribing and being forgotten.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from emails.backends import configured_provider, contacts_provider
from emails.errors import EmailsError
from emails.message.address import parse_all
from emails.models import ContactChange
from emails.wakeup import wake_worker

logger = logging.getLogger(__name__)

TAG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
EVENT_NAME = re.compile(r"\S(.{0,98}\S)?")
OWED = (ContactChange.Action.UNSUBSCRIBE, ContactChange.Action.FORGET)

Properties = Mapping[str, Any]


class InvalidContact(EmailsError, ValueError):
    """A change that cannot be told; nothing was stored."""


def subscribe(
    address: str,
    *,
    tags: Sequence[str] = (),
    attributes: Properties | None = None,
    first_name: str = "",
    external_id: str = "",
) -> None:
    """Add a contact, or fill the empty fields of one that exists; never wakes one that unsubscribed.

    ``external_id``: the person's id in your own database. Joins the lists in CONTACTS_LISTS. Raises ``InvalidContact``.
    """
    content = {
        "tags": [checked_tag(tag) for tag in tags],
        "customAttributes": dict(attributes or {}),
        "firstName": first_name,
        "externalId": external_id,
        "lists": settings.CONTACTS_LISTS,
    }
    queue(ContactChange.Action.SUBSCRIBE, address, {name: value for name, value in content.items() if value != ""})


def add_tag(address: str, tag: str) -> None:
    """Add a tag (lower-case letters, digits and hyphens); creates the contact if need be. Raises ``InvalidContact``."""
    queue(ContactChange.Action.ADD_TAG, address, {"tag": checked_tag(tag)})


def remove_tag(address: str, tag: str) -> None:
    """Take a tag away from a contact that exists. Raises ``InvalidContact``."""
    queue(ContactChange.Action.REMOVE_TAG, address, {"tag": checked_tag(tag)})


def track_event(
    address: str, name: str, properties: Properties | None = None, *, occurred_at: datetime | None = None
) -> None:
    """Tell that something happened, which may start an automation.

    Give ``occurred_at`` (aware) only for history: Sequenzy starts nothing for what is more than an hour old.
    Raises ``InvalidContact``.
    """
    if not EVENT_NAME.fullmatch(name):
        raise InvalidContact("An event name must have 1 to 100 characters, with no spaces at either end.")
    content: dict[str, Any] = {"event": name, "properties": dict(properties or {})}
    if occurred_at is not None:
        content["occurredAt"] = occurred_at.isoformat()
    queue(ContactChange.Action.TRACK_EVENT, address, content)


def unsubscribe(address: str) -> None:
    """End all marketing mail to this address; transactional mail still goes out. Tried until it is told."""
    queue(ContactChange.Action.UNSUBSCRIBE, address, {})


def forget(address: str) -> None:
    """Delete the contact at Sequenzy, and once that is told what is stored about it here. Tried until it is told."""
    queue(ContactChange.Action.FORGET, address, {})


def queue(action: ContactChange.Action, address: str, content: dict[str, Any]) -> None:
    """Store the change in the caller's transaction; a worker is told after the commit."""
    if not (settings.CONTACTS_SYNC or action in OWED):
        return
    change = ContactChange(action=action, address=checked_address(address), content=checked_content(content))
    if not contacts_provider():
        logger.info("%s is not told: EMAIL_PROVIDER is %s, which has no contacts here.", action, configured_provider())
        return
    change.save(force_insert=True)
    transaction.on_commit(wake_worker, robust=True)


def checked_address(address: str) -> str:
    try:
        [parsed] = parse_all([address], "address")
    except ValueError as error:
        raise InvalidContact(f"This is not the email address of a contact: {error}") from None
    return parsed.email.lower()


def checked_tag(tag: str) -> str:
    if not TAG.fullmatch(tag):
        raise InvalidContact(f"The tag {tag!r} may contain only lowercase letters, digits, and single hyphens.")
    return tag


def checked_content(content: dict[str, Any]) -> dict[str, Any]:
    """As it will be stored. What JSON, or PostgreSQL's form of it, does not know is refused here."""
    try:
        text = json.dumps(content, cls=DjangoJSONEncoder, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise InvalidContact(f"Attributes and properties must be valid JSON values: {error}") from None
    if "\\u0000" in text or re.search(r"\\ud[89a-f]", text):
        raise InvalidContact("Attributes and properties must not contain a NUL or an unpaired surrogate.")
    stored: dict[str, Any] = json.loads(text)
    return stored
