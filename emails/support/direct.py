"""Sends one message right now, without the outbox, and says what the provider answered."""

from dataclasses import replace
from uuid import uuid4

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from emails.backends import configured_provider, get_backend
from emails.errors import EmailsError, InvalidMessage, ProviderError
from emails.message import Address, Message
from emails.support.advice import CONSOLE, NOTHING_SENT, SEND_REAL_EMAIL, advice_on
from emails.tracking.suppressions import suppressed_among

# They would name the recipients of the original.
RECIPIENT_HEADERS = {"to", "cc", "bcc"}


class NotSent(EmailsError):
    """Nothing was sent, or nobody knows. The message says why and what to do."""


def send_now(message: Message, kind: str = "", provider: str = "") -> str:
    """Send the message through a provider, by default the configured one. Return its answer as a sentence.

    Raises ``NotSent``.
    """
    try:
        backend = get_backend(provider or configured_provider())
        request = backend.request([backend.serialize(message)])
    except (ImproperlyConfigured, InvalidMessage) as error:
        raise NotSent(str(error)) from None
    refuse_suppressed(message, kind)
    try:
        receipt = backend.call(request, str(message.id))
    except ProviderError as error:
        raise NotSent(f"{error}\n{advice_on(error)}") from None
    provider_id = receipt.message_ids[0]
    result = f"accepted it as {provider_id}" if provider_id else "accepted it but returned no message ID"
    return f"{backend.name} {result}."


def send_copy(message: Message, kind: str, to: str) -> str:
    """Send a copy of the message to one address through the configured provider. Return its answer as a sentence.

    Raises ``NotSent``, also if the provider is one that sends nothing.
    """
    provider = configured_provider()
    if provider == CONSOLE:
        raise NotSent(f"{NOTHING_SENT} {SEND_REAL_EMAIL}")
    try:
        address = Address.parse(to, "to")
    except InvalidMessage as error:
        raise NotSent(str(error)) from None
    headers = tuple((name, value) for name, value in message.headers if name.lower() not in RECIPIENT_HEADERS)
    copy = replace(message, id=uuid4(), to=(address,), cc=(), bcc=(), headers=headers, send_at=None)
    return send_now(copy, kind)


def refuse_suppressed(message: Message, kind: str) -> None:
    """Raise ``NotSent`` if the recipient is suppressed, or if the list can't be read."""
    try:
        suppressed = suppressed_among((person.email for person in message.to), kind)
    except DatabaseError as error:
        raise NotSent(
            f"The suppression list can't be read: {error}. Start the database, and run manage.py migrate."
        ) from None
    if suppressed:
        raise NotSent(
            f"{message.to[0].email} is on the suppression list because it bounced or complained. "
            "Remove it from the list in the admin, or test with another email address."
        )
