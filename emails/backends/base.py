"""The interface of a provider: an ordinary Django email backend whose work the outbox can do in two steps.

Django's ``send_messages()`` builds a call and makes it in one step. The outbox needs the steps separately. It first
turns messages into a ``Request`` and stores it. Then it makes the stored call, several times if the outcome is unknown.
Only a stored call can be repeated byte for byte, and a provider recognizes a repeat only if the bytes are the same.
"""

import logging
import re
import sys
import uuid
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from emails.errors import EmailsError, InvalidMessage
from emails.message import Message

logger = logging.getLogger(__name__)

# Sequenzy documents at most 255 characters and Resend 256. The key is sent as an HTTP header, so only printable ASCII
# is safe.
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
# Any fixed UUID would do, but it must never change: a message ID is derived from it and the idempotency key.
KEY_NAMESPACE = uuid.UUID("3e973501-7e67-4636-8b1b-c86dc1a15348")


@dataclass(frozen=True, slots=True)
class Request:
    """A call in the form in which it is stored, so a repeat has the same bytes even after a deploy."""

    # A path below the provider's base URL. A method other than POST precedes it, as in "GET /email-sends/1".
    endpoint: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What the provider reported when it accepted a call."""

    # The provider's ID of each message in the call, in the call's order. An ID is empty if none was reported.
    message_ids: tuple[str, ...]
    # What the provider accepted only in part, such as an SMTP server that refused one of several recipients.
    detail: str = ""
    # How many calls per second the provider allows, if its headers contain a limit.
    rate: float | None = None
    # How long the provider accepts no further calls, if its headers say that the limit is reached.
    cooldown: timedelta | None = None
    # Only for contacts: what the call found out (emails/backends/contacts).
    findings: Mapping[str, Any] = field(default_factory=dict)


class ProviderClient:
    """Makes the calls to one provider. The class attributes describe what the provider guarantees."""

    name: str
    """The key of the provider's row in ProviderState, such as "resend"."""

    key_lifetime: ClassVar[timedelta | None] = None
    """How long the provider remembers an Idempotency-Key. None without keys: then a repeat can send a second email."""

    default_rate: ClassVar[float | None] = None
    """Calls per second until the provider's responses report a rate. None for no limit."""

    echoes_message_id: ClassVar[bool] = True
    """Whether the provider's events contain our message ID. If not, they are matched by the provider's ID."""

    poll_after: ClassVar[timedelta | None] = None
    """How long to wait for a message's first event before asking for its state. None if every outcome has an event."""

    @property
    def paced_with(self) -> str:
        """The row of ProviderState whose slots the calls take."""
        return self.name

    @abstractmethod
    def call(self, request: Request, idempotency_key: str) -> Acceptance:
        """Make the call and return the provider's acceptance. Raises ProviderError.

        The worker calls this in threads that have no database connection, so it must not use the ORM.
        """

    def warm_up(self) -> None:
        """Read certificates and connect, so the next call can start without delay. Raises nothing."""


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
        """Return the message in the provider's format: always the same bytes for the same message, without I/O.

        Raises UnsupportedFeature if the provider can't carry the message.
        """

    @abstractmethod
    def request(self, parts: Sequence[bytes]) -> Request:
        """Return the call that carries these serialized messages, at least 1 and at most ``batch_limit``."""

    def may_share_call(self, message: Message) -> bool:
        """Return whether the message may be sent in one call together with others."""
        return self.batch_limit > 1

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """Send each message immediately and return how many the provider accepted.

        Sets ``provider_message_id`` on each accepted message. If a message has an ``idempotency_key`` and the provider
        supports keys, sending it again doesn't send a second email. With ``fail_silently``, logs an error and goes on.
        """
        return sum(self._send(message) for message in email_messages or () if message.recipients())

    def _send(self, email: Any) -> bool:
        try:
            key = _idempotency_key(email)
            # The payload contains our message ID, and providers reject a repeated key with a different payload. So the
            # same key must result in the same ID.
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
