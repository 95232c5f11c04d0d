"""A message's trip from Django's API through the outbox to an SMTP server, next to what Django alone would send."""

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import Message as MimePart
from typing import Any

import django
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail import message as django_message
from django.test import override_settings

from emails import delivery
from emails.backends.outbox import OutboxBackend
from emails.errors import InvalidMessage
from emails.models import OutboundEmail, ProviderState
from emails.tests.support.smtp_server import SmtpServer

# What Python makes up for each message, also for one that is attached to another.
FRESH_IDS = re.compile(rb"===============\d+==|<\d+\.\d+\.\d+@[\w.-]+>")
# The date of a message that is attached to another. The tests set dates of other years.
FRESH_DATES = re.compile(rb"\w{3}, \d\d \w{3} %d [\d:]{8} [+-]\d{4}" % datetime.now(UTC).year)
# What Django's SMTP backend passes to message().
SMTP_ARGUMENTS: dict[str, Any] = {} if django.VERSION < (6, 0) else {"policy": policy.SMTP}
# What is new each time a message is built.
FRESH_HEADERS = ("Date", "Message-ID")

if django.VERSION < (6, 0):

    class Arrived(django_message.MIMEMixin, MimePart):  # type: ignore[misc]
        """A message that arrived, with the same methods as Django's own."""

    PARSER: dict[str, Any] = {"_class": Arrived}
else:
    PARSER = {"policy": policy.default}


@dataclass
class Trip:
    """Replaces ``EmailMessage.message()`` by what arrives at the server, and compares it with Django alone."""

    server: SmtpServer
    test: str = ""  # the ID of the running test
    same: int = 0
    # Pairs of what Django alone would send and what arrived, by test.
    different: dict[str, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    _is_under_way: bool = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Replace the method in this block."""
        alone = EmailMessage.message

        @functools.wraps(alone)
        def message(email: EmailMessage, **arguments: Any) -> Any:
            if self._is_under_way:
                return alone(email, **arguments)
            with self._under_way():
                return self._travel(email, alone(email, **arguments), alone(email, **SMTP_ARGUMENTS))

        EmailMessage.message = message  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            EmailMessage.message = alone  # type: ignore[method-assign]

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        self._is_under_way = True
        try:
            yield
        finally:
            self._is_under_way = False

    def _travel(self, email: EmailMessage, result: Any, alone: Any) -> Any:
        """Return ``result``, with the fresh headers that arrived, or all that arrived if anything else differs."""
        data = self._deliver(email)
        arrived = message_from_bytes(data, **PARSER)
        fresh = [name for name in FRESH_HEADERS if name.lower() not in {key.lower() for key in email.extra_headers}]
        for mime in (result, alone):
            for name in fresh:
                mime.replace_header(name, str(arrived[name]).strip())
        expected, actual = comparable(alone.as_bytes()), comparable(data)
        if expected == actual:
            self.same += 1
            return result
        self.different.setdefault(self.test, []).append((expected, actual))
        return arrived

    def _deliver(self, email: EmailMessage) -> bytes:
        """Queue the message, deliver it, and return the bytes that arrived. Raises ``InvalidMessage``."""
        bcc = email.bcc
        if not email.recipients():  # Django builds MIME for nobody, but sends it to nobody
            email.bcc = ["nobody@example.com"]
        before = len(self.server.messages)
        try:
            with without_mailers():
                OutboxBackend().send_messages([email])
                delivery.deliver_due()
            [detail] = OutboundEmail.objects.values_list("detail", flat=True)
        finally:
            email.bcc = bcc
            OutboundEmail.objects.all().delete()
            ProviderState.objects.all().delete()  # a pause after errors would hold up the next messages
        if len(self.server.messages) == before:
            raise InvalidMessage(detail)
        data: bytes = self.server.messages[-1].replace(b"\n..", b"\n.")
        return data


@contextmanager
def without_mailers() -> Iterator[None]:
    """Deliver with the EMAIL_* settings of the run. Some tests set MAILERS, which replaces them in Django 6.1."""
    with override_settings():
        changed: Any = settings
        if changed.is_overridden("MAILERS"):
            del changed.MAILERS
        yield


def comparable(data: bytes) -> bytes:
    """Return the bytes with numbers as IDs and with the line breaks of SMTP, which ends each message with one."""
    names: dict[bytes, bytes] = {}
    numbered = FRESH_IDS.sub(lambda match: names.setdefault(match[0], b"id-%d" % len(names)), data)
    return FRESH_DATES.sub(b"today", numbered).replace(b"\r\n", b"\n").removesuffix(b"\n").replace(b"\n", b"\r\n")
