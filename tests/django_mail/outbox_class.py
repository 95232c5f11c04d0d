"""Django's tests of email backends, for one that queues a message in the outbox and delivers it to SMTP at once."""

import unittest
from collections.abc import Iterable, Iterator
from email import message_from_bytes, policy
from types import ModuleType
from typing import Any

from django.core.mail import EmailMessage
from django.test import SimpleTestCase

from emails import delivery
from emails.backends.outbox import OutboxBackend
from emails.models import OutboundEmail
from emails.tests.support.smtp_server import SmtpServer


class QueueAndDeliver(OutboxBackend):
    """The outbox, with the worker's run in the same call."""

    def send_messages(self, email_messages: Iterable[EmailMessage] | None) -> int:
        count = super().send_messages(email_messages)
        delivery.deliver_due()
        return count


def outbox_tests(modules: Iterable[ModuleType], smtp: SmtpServer) -> type[SimpleTestCase] | None:
    """Return the test class, or None if this version of Django has no tests for every backend."""
    [shared] = {vars(module).get("BaseEmailBackendTests") for module in modules} - {None} or [None]
    if not hasattr(shared, "email_backend"):
        return None

    class OutboxBackendTests(shared, SimpleTestCase):  # type: ignore[misc, valid-type]
        email_backend = f"{__name__}.QueueAndDeliver"
        databases = {"default"}  # declared by Django

        def setUp(self) -> None:
            super().setUp()
            self.flush_mailbox()

        def tearDown(self) -> None:
            OutboundEmail.objects.all().delete()
            super().tearDown()

        def get_mailbox_content(self) -> list[Any]:
            # SMTP ends each message with a line break, which isn't part of it.
            return [message_from_bytes(data.removesuffix(b"\r\n"), policy=policy.default) for data in smtp.messages]

        def flush_mailbox(self) -> None:
            smtp.messages.clear()

    return OutboxBackendTests


def flat(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """Yield the tests of the suite and the suites in it."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flat(item)
        else:
            yield item
