"""What every delivering backend is: a plain Django email backend, and the two halves that the outbox uses of it."""

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
KEY_NAMESPACE = uuid.UUID("3e973501-7e67-4636-8b1b-c86dc1a15348")


@dataclass(frozen=True, slots=True)
class Request:
    """A call as it is stored before it is made and repeated byte for byte, also after a deploy."""

    endpoint: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The provider took it. One id per message, empty where the provider told none.

    ``rate``: the calls a second that it takes, ``pause``: for how long it takes no more, where its headers say so.
    """

    message_ids: tuple[str, ...]
    rate: float | None = None
    pause: timedelta | None = None


class ProviderClient:
    """What makes the calls of a provider: each is stored before it is made, and repeated where that can do no harm."""

    name: str
    key_lifetime: ClassVar[timedelta | None] = None
    """How long the provider remembers an Idempotency-Key; None: it knows none, and every call can be a second mail."""
    default_rate: ClassVar[float | None] = None
    """Calls a second until the provider's answers say more; None: as many as there are."""
    echoes_message_id: ClassVar[bool] = True
    """Whether its delivery events name our message id; else they are matched by its own."""
    poll_after: ClassVar[timedelta | None] = None
    """When to ask what became of a message without events, where the provider does not tell every end of one."""

    @abstractmethod
    def call(self, request: Request, idempotency_key: str) -> Acceptance:
        """Make the call. Thread-safe, and without the ORM. Raises ProviderError."""

    def warm_up(self) -> None:
        """Do beforehand what would delay the next call: read certificates, connect. Raises nothing."""


class DeliveryBackend(ProviderClient, BaseEmailBackend):
    """Delivers through one provider.

    As `EMAIL_BACKEND` it sends at once. The outbox calls serialise() and request() when it stores an attempt, and then
    call() with what was stored, as often as it takes.
    """

    batch_limit: ClassVar[int] = 1
    """How many messages one call can carry."""
    max_bytes: ClassVar[int] = sys.maxsize
    """Of the body of a call."""

    @abstractmethod
    def serialise(self, message: Message) -> bytes:
        """The message in the provider's words: the same bytes for the same message, and no I/O.

        Raises UnsupportedFeature when the provider cannot carry it.
        """

    @abstractmethod
    def request(self, parts: Sequence[bytes]) -> Request:
        """The call that carries these serialised messages, 1 to batch_limit of them."""

    def may_share_call(self, message: Message) -> bool:
        """Whether the message can be one of several in a call."""
        return self.batch_limit > 1

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """Send each at once; returns how many the provider took.

        `message.idempotency_key`, if set, makes a repeat harmless where the provider knows such keys.
        Sets `message.provider_message_id`. With fail_silently an error is logged, and the next message tried.
        """
        return sum(self._send(message) for message in email_messages or () if message.recipients())

    def _send(self, email: Any) -> bool:
        try:
            key = _idempotency_key(email)
            # The same key must give the same payload, so the id in it is made from the key.
            message = Message.from_django(email, uuid.uuid5(KEY_NAMESPACE, key))
            acceptance = self.call(self.request([self.serialise(message)]), key)
        except EmailsError as error:
            if not self.fail_silently:
                raise
            logger.warning("A message was not sent, and fail_silently is on: %s", error)
            return False
        email.provider_message_id = acceptance.message_ids[0]
        return True


def _idempotency_key(email: EmailMessage) -> str:
    key = str(getattr(email, "idempotency_key", None) or uuid.uuid4())
    if not IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidMessage("The idempotency_key must be 1 to 255 characters of printable ASCII without spaces.")
    return key
