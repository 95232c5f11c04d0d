"""Marketing contacts: reports subscribers, their tags, and their events to Sequenzy.

Each change is a row in the caller's transaction. It reaches Sequenzy once, after the commit, in the order in which the
contact's changes were made. With any other EMAIL_PROVIDER, changes are only logged. With CONTACTS_SYNC off, only the
changes that a person has a right to are reported: unsubscribing and erasure.
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

# Sequenzy turns tags into this form, and its documents differ about punctuation.
TAG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
EVENT_NAME = re.compile(r"\S(.{0,98}\S)?")
# A person has a right to both, whether or not contacts are synced.
ALWAYS_REPORTED = (ContactChange.Action.UNSUBSCRIBE, ContactChange.Action.FORGET)

Properties = Mapping[str, Any]


class InvalidContact(EmailsError, ValueError):
    """A change that Sequenzy would refuse. Nothing was stored."""


def subscribe(
    address: str,
    *,
    tags: Sequence[str] = (),
    attributes: Properties | None = None,
    first_name: str = "",
    external_id: str = "",
) -> None:
    """Add a contact to the lists in CONTACTS_LISTS, or fill the empty fields of an existing one.

    A contact who unsubscribed stays unsubscribed. ``external_id`` is the person's ID in your own database. Raises
    ``InvalidContact``.
    """
    content = {
        "tags": [checked_tag(tag) for tag in tags],
        "customAttributes": dict(attributes or {}),
        "firstName": first_name,
        "externalId": external_id,
        "lists": settings.CONTACTS_LISTS,  # if missing, Sequenzy would add new contacts to its default lists
    }
    queue(ContactChange.Action.SUBSCRIBE, address, {name: value for name, value in content.items() if value != ""})


def add_tag(address: str, tag: str) -> None:
    """Add a tag (lowercase letters, digits, hyphens). Creates the contact if needed. Raises ``InvalidContact``."""
    queue(ContactChange.Action.ADD_TAG, address, {"tag": checked_tag(tag)})


def remove_tag(address: str, tag: str) -> None:
    """Remove a tag from an existing contact. Raises ``InvalidContact``."""
    queue(ContactChange.Action.REMOVE_TAG, address, {"tag": checked_tag(tag)})


def track_event(
    address: str, name: str, properties: Properties | None = None, *, occurred_at: datetime | None = None
) -> None:
    """Report that something happened, which may start an automation.

    Pass ``occurred_at`` (an aware datetime) only for past events: Sequenzy starts no automation for an event that is
    more than an hour old. Raises ``InvalidContact``.
    """
    if not EVENT_NAME.fullmatch(name):
        raise InvalidContact("An event name must have 1 to 100 characters, with no spaces at either end.")
    content: dict[str, Any] = {"event": name, "properties": dict(properties or {})}
    if occurred_at is not None:
        content["occurredAt"] = occurred_at.isoformat()
    queue(ContactChange.Action.TRACK_EVENT, address, content)


def unsubscribe(address: str) -> None:
    """Stop all marketing email to this address, but not transactional email. Retried until Sequenzy accepts it."""
    queue(ContactChange.Action.UNSUBSCRIBE, address, {})


def forget(address: str) -> None:
    """Delete the contact at Sequenzy, and then what is stored about it here. Retried until Sequenzy accepts it."""
    queue(ContactChange.Action.FORGET, address, {})


def queue(action: ContactChange.Action, address: str, content: dict[str, Any]) -> None:
    """Store the change in the caller's transaction, and wake up a worker after the commit."""
    if not (settings.CONTACTS_SYNC or action in ALWAYS_REPORTED):
        return
    change = ContactChange(action=action, address=checked_address(address), content=checked_content(content))
    if not contacts_provider():
        logger.info("Skipping %s: contacts need EMAIL_PROVIDER=sequenzy, and it is %s.", action, configured_provider())
        return
    change.save(force_insert=True)
    # robust, because a failure must not reach the request: the sweep finds the row anyway.
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
    """Return the content as the database will store it. Raises ``InvalidContact`` if PostgreSQL would refuse it."""
    try:
        text = json.dumps(content, cls=DjangoJSONEncoder, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise InvalidContact(f"Attributes and properties must be valid JSON values: {error}") from None
    # JSON allows both, but PostgreSQL's jsonb doesn't.
    if "\\u0000" in text or re.search(r"\\ud[89a-f]", text):
        raise InvalidContact("Attributes and properties must not contain a NUL or an unpaired surrogate.")
    stored: dict[str, Any] = json.loads(text)
    return stored
