"""The interface of a provider, and of every backend that delivers: a plain Django backend that the outbox can drive.

The outbox needs two halves of what Django does in one step. It first turns messages into a ``Request``, which it
stores, and then makes the stored call, if need be several times.
"""

import logging
import re
import sys
import uuid
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from emails.errors import EmailsError, InvalidMessage
from emails.message import Message

logger = logging.getLogger(__name__)

IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
# Any fixed UUID would do. With another one, a repeated key would no longer result in the same message ID.
KEY_NAMESPACE = uuid.UUID("3e973501-7e67-4636-8b1b-c86dc1a15348")


@dataclass(frozen=True, slots=True)
class Request:
    """A call in the form in which it is stored, so that a repeat is equal byte for byte, even after a deploy."""

    endpoint: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The provider accepted a call.

    ``message_ids``: the provider's ID of each message in the call, in order; an empty string if it reported none.
    ``rate``: how many calls per second the provider allows, if its headers say so.
    ``cooldown``: how long the provider accepts no further calls, if its headers say so.
    """

    message_ids: tuple[str, ...]
    rate: float | None = None
    cooldown: timedelta | None = None


class ProviderClient:
    """Makes the calls of one provider, and describes what the provider guarantees."""

    name: str

    key_lifetime: ClassVar[timedelta | None] = None
    """How long the provider remembers an Idempotency-Key; None if a repeat can be a second email."""

    default_rate: ClassVar[float | None] = None
    """Calls per second until the provider's responses report a rate; None for no limit."""

    echoes_message_id: ClassVar[bool] = True
    """Whether the provider's events contain our message ID. If not, events are matched by the provider's own ID."""

    poll_after: ClassVar[timedelta | None] = None
    """When to ask for the state of a message without events, if the provider doesn't report every outcome."""

    @abstractmethod
    def call(self, request: Request, idempotency_key: str) -> Acceptance:
        """Make the call. Raises ProviderError. Runs in any thread and doesn't use the ORM."""

    def warm_up(self) -> None:
        """Do in advance what would delay the next call: read certificates, connect. Raises nothing."""


class DeliveryBackend(ProviderClient, BaseEmailBackend):
    """A Django email backend that delivers through one provider.

    As ``EMAIL_BACKEND`` it sends immediately. The outbox uses the same methods separately: ``serialize()`` and
    ``request()`` when it stores an attempt, then ``call()`` with the stored request.
    """

    batch_limit: ClassVar[int] = 1
    """How many messages one call can carry."""

    max_bytes: ClassVar[int] = sys.maxsize
    """The largest body of a call."""

    @abstractmethod
    def serialize(self, message: Message) -> bytes:
        """Return the message in the provider's format. No I/O, and always the same bytes for the same message.

        Raises UnsupportedFeature if the provider can't carry the message.
        """

    @abstractmethod
    def request(self, parts: Sequence[bytes]) -> Request:
        """Return the call that carries these serialized messages (1 to ``batch_limit``)."""

    def may_share_call(self, message: Message) -> bool:
        """Return whether the message may be sent in one call with others."""
        return self.batch_limit > 1

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """Send each message immediately and return how many the provider accepted.

        A message's ``idempotency_key`` makes a repeat harmless if the provider supports keys. Sets
        ``provider_message_id`` on each accepted message. With ``fail_silently``, an error is logged and the next
        message is sent.
        """
        return sum(self._send(message) for message in email_messages or () if message.recipients())

    def _send(self, email: Any) -> bool:
        try:
            key = _idempotency_key(email)
            # Providers reject a repeated key with a different payload, so the ID in the payload is derived from it.
            message = Message.from_django(email, uuid.uuid5(KEY_NAMESPACE, key))
            acceptance = self.call(self.request([self.serialize(message)]), key)
        except EmailsError as error:
            if not self.fail_silently:
                raise
            logger.warning("A message was not sent; fail_silently is on: %s", error)
            return False
        email.provider_message_id = acceptance.message_ids[0]
        return True


def _idempotency_key(email: EmailMessage) -> str:
    key = str(getattr(email, "idempotency_key", None) or uuid.uuid4())
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidMessage("The idempotency_key must be 1 to 255 characters of printable ASCII without spaces.")
    return key
