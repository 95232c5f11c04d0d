"""Marketing contacts: reports subscribers, their attributes, tags, and events to the provider of emails.

Each change is a row in the caller's transaction. It reaches the provider after the commit, in the order in which the
contact's changes were made. With a provider that has no contacts, such as SMTP, changes are only logged. With
CONTACTS_SYNC off, only the changes that a person has a right to are reported: unsubscribing and erasure.

No change ever subscribes a person who has opted out. docs/providers.md says what each provider can't do.
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
from emails.backends.contacts import CONTACTS
from emails.errors import EmailsError
from emails.message.address import parse_all
from emails.models import ContactChange
from emails.tracking import opt_outs
from emails.wakeup import wake_worker

logger = logging.getLogger(__name__)

# Sequenzy turns tags into this form, and its documents differ about punctuation.
TAG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
EVENT_NAME = re.compile(r"\S(.{0,98}\S)?")
# A person has a right to both, whether or not contacts are synced.
ALWAYS_REPORTED = (ContactChange.Action.UNSUBSCRIBE, ContactChange.Action.FORGET)

Properties = Mapping[str, Any]


class InvalidContact(EmailsError, ValueError):
    """A change that a provider would refuse. Nothing was stored."""


def subscribe(
    address: str,
    *,
    tags: Sequence[str] = (),
    attributes: Properties | None = None,
    first_name: str = "",
    external_id: str = "",
) -> None:
    """Add a contact to the lists in CONTACTS_LISTS, or complete an existing one.

    Sequenzy fills only the empty fields of an existing contact, and the others overwrite them. A contact who
    unsubscribed stays unsubscribed. ``external_id`` is the person's ID in your own database, for Sequenzy. Raises
    ``InvalidContact``.
    """
    queue(ContactChange.Action.SUBSCRIBE, address, profile(attributes, first_name, external_id, tags))


def update(address: str, attributes: Properties, *, external_id: str = "") -> None:
    """Set attributes of the contact, which is created if it doesn't exist. Raises ``InvalidContact``."""
    queue(ContactChange.Action.UPDATE, address, profile(attributes, external_id=external_id))


def change_address(
    former_address: str,
    address: str,
    *,
    attributes: Properties | None = None,
    first_name: str = "",
    external_id: str = "",
) -> None:
    """Move the contact to a new email address, with the opt-out if there is one. Raises ``InvalidContact``.

    If the provider can't change an address, a new contact takes over, so pass everything that it should know.
    """
    former_address = checked_address(former_address)
    if former_address == checked_address(address):
        return
    opt_outs.keep_opt_out(former_address, checked_address(address))
    content = profile(attributes, first_name, external_id)
    queue(ContactChange.Action.CHANGE_ADDRESS, address, content, former_address=former_address)


def profile(
    attributes: Properties | None, first_name: str = "", external_id: str = "", tags: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the content of a change that describes a contact, without empty fields. Raises ``InvalidContact``."""
    content = {
        "tags": [checked_tag(tag) for tag in tags],
        "attributes": dict(attributes or {}),
        "first_name": first_name,
        "external_id": external_id,
    }
    return {name: value for name, value in content.items() if value}


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

    Pass ``occurred_at`` (an aware datetime) only for past events: no automation starts for an event that is more than
    an hour old. Raises ``InvalidContact``.
    """
    if not EVENT_NAME.fullmatch(name):
        raise InvalidContact("An event name must have 1 to 100 characters, with no spaces at either end.")
    content: dict[str, Any] = {"event": name, "properties": dict(properties or {})}
    if occurred_at is not None:
        content["occurred_at"] = occurred_at.isoformat()
    queue(ContactChange.Action.TRACK_EVENT, address, content)


def unsubscribe(address: str) -> None:
    """Stop all marketing email to this address, but not transactional email. Retried until the provider accepts it.

    The opt-out is recorded here as well, so that no later change subscribes the contact again.
    """
    opt_outs.opt_out(checked_address(address))
    queue(ContactChange.Action.UNSUBSCRIBE, address, {})


def forget(address: str) -> None:
    """Delete the contact at the provider, and then what is stored about it here. Retried until the provider accepts it.

    An opt-out stays recorded, so that a new contact with this address isn't subscribed.
    """
    queue(ContactChange.Action.FORGET, address, {})


def queue(action: ContactChange.Action, address: str, content: dict[str, Any], *, former_address: str = "") -> None:
    """Store the change in the caller's transaction, and wake up a worker after the commit."""
    if not (settings.CONTACTS_SYNC or action in ALWAYS_REPORTED):
        return
    change = ContactChange(
        action=action,
        address=checked_address(address),
        former_address=former_address,
        content=checked_content(content),
    )
    if not contacts_provider():
        providers, provider = ", ".join(CONTACTS), configured_provider()
        logger.info(
            "Skipping %s: contacts need one of %s as EMAIL_PROVIDER, and it is %s.", action, providers, provider
        )
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
