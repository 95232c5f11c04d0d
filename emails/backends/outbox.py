"""The EMAIL_BACKEND: every message becomes a row in the caller's transaction, and a worker is told after the commit."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from uuid import uuid4

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import IntegrityError, transaction

from common.db import insert_if_absent
from common.failpoints import failpoint
from emails.errors import InvalidMessage
from emails.message import Message
from emails.models import OutboundEmail
from emails.wakeup import nudge_worker

logger = logging.getLogger(__name__)


class OutboxBackend(BaseEmailBackend):
    """Django's own door: ``send_mail()``, the admin, django-allauth and every other app get the outbox's promises.

    Reads the optional attributes of ``emails.services.TemplatedEmail`` from any message.
    """

    def send_messages(self, email_messages: Iterable[EmailMessage] | None) -> int:
        """Queue the messages, all or none; returns how many were taken, repeats of an idempotency key included.

        Raises ``InvalidMessage`` for one that nobody could send, unless ``fail_silently``.
        """
        rows = [row for message in email_messages or () if (row := self._row(message)) is not None]
        if not rows:
            return 0
        with transaction.atomic(savepoint=False):
            for row in rows:
                insert_once(row)
            transaction.on_commit(nudge_worker, robust=True)
        failpoint("after-insert")
        return len(rows)

    def _row(self, message: EmailMessage) -> OutboundEmail | None:
        if not any(message.recipients()):
            return None
        try:
            return row_from(message)
        except InvalidMessage as error:
            if not self.fail_silently:
                raise
            logger.error("A message was not queued, and its sender asked not to be told: %s", error)
            return None


def row_from(message: EmailMessage) -> OutboundEmail:
    """The row waits until the message's send_at itself, whatever its provider can do."""
    neutral = Message.from_django(message, uuid4())
    waits = {"due_at": neutral.send_at} if neutral.send_at is not None else {}
    neutral = replace(neutral, send_at=None)
    return OutboundEmail(
        **waits,
        id=neutral.id,
        kind=getattr(message, "kind", ""),
        idempotency_key=getattr(message, "idempotency_key", None) or None,
        expires_at=getattr(message, "expires_at", None),
        sensitive=getattr(message, "sensitive", False),
        metadata=dict(neutral.metadata),
        recipients=" ".join(address.email.lower() for address in (*neutral.to, *neutral.cc, *neutral.bcc)),
        subject=neutral.subject,
        content=neutral.to_json(),
    )


def insert_once(row: OutboundEmail) -> None:
    """Insert the row, or nothing when its idempotency key is taken; the caller's transaction goes on either way.

    ON CONFLICT DO NOTHING, since an IntegrityError would end the transaction on PostgreSQL. A conflict must be about
    the key: any other is no repeat.
    """
    if insert_if_absent([row]):
        return
    if row.idempotency_key is None or not OutboundEmail.objects.filter(idempotency_key=row.idempotency_key).exists():
        raise IntegrityError(f"The outbox refused the message {row.id} with the key {row.idempotency_key!r}.")
