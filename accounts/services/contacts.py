"""The contact of a user at the email provider, which exists only if CONTACTS_SYNC is on."""

from typing import Any

from django.conf import settings

from accounts.hooks import contact_attribute_sources
from accounts.mail import greeting_name
from accounts.models import User
from emails import contacts


def subscribe(user: User) -> None:
    """Subscribe the user, or complete the existing contact.

    The name is reported only once the email address is confirmed, because the provider's emails may greet by it.
    """
    if settings.CONTACTS_SYNC:
        contacts.subscribe(user.email, tags=["signed-up"], **profile(user))


def change_address(user: User, former_address: str) -> None:
    """Move the contact, and an opt-out from marketing, to the user's new email address."""
    contacts.change_address(former_address, user.email, **(profile(user) if settings.CONTACTS_SYNC else {}))


def profile(user: User) -> dict[str, Any]:
    attributes = {"source": "signup"}
    for source in contact_attribute_sources:
        attributes |= source(user)
    return {
        "attributes": attributes,
        "first_name": greeting_name(user, user.email),
        "external_id": str(user.pk),
    }
