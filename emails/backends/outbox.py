"""The outbox as an EMAIL_BACKEND: store every email in the caller's transaction, and wake a worker after the commit."""

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
from emails.wakeup import wake_worker

logger = logging.getLogger(__name__)


class OutboxBackend(BaseEmailBackend):
    """Queues emails instead of sending them, for every caller of Django's email API.

    So ``send_mail()``, the admin, django-allauth, and all other apps get the outbox's guarantees. A message may carry
    the attributes of ``emails.services.TemplatedEmail``, such as ``kind`` and ``idempotency_key``.
    """

    def send_messages(self, email_messages: Iterable[EmailMessage] | None) -> int:
        """Queue all messages or none, and return their number, including repeats of an idempotency key.

        Raises ``InvalidMessage`` for a message that no provider could send; with ``fail_silently``, logs and skips it.
        """
        rows = [row for message in email_messages or () if (row := self._row(message)) is not None]
        if not rows:
            return 0
        # Inside a caller's transaction, a savepoint would only cost two more queries.
        with transaction.atomic(savepoint=False):
            for row in rows:
                insert_once(row)
            transaction.on_commit(wake_worker, robust=True)
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
            logger.error("A message was not queued; fail_silently is on: %s", error)
            return None


def row_from(message: EmailMessage) -> OutboundEmail:
    """Return the row that stores the message.

    The outbox itself waits until ``send_at``, because not every provider can schedule.
    """
    neutral = Message.from_django(message, uuid4())
    waits = {"due_at": neutral.send_at} if neutral.send_at is not None else {}
    neutral = replace(neutral, send_at=None)  # or the provider would wait as well
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
    """Insert the row unless its idempotency key exists already; the caller's transaction stays usable either way.

    The insert uses ON CONFLICT DO NOTHING, because an IntegrityError would abort the transaction on PostgreSQL. That
    clause also hides conflicts on other constraints, so a row that is missing is an error unless its key exists.
    """
    if insert_if_absent([row]):
        return
    if row.idempotency_key is None or not OutboundEmail.objects.filter(idempotency_key=row.idempotency_key).exists():
        raise IntegrityError(f"The outbox refused the message {row.id} with the key {row.idempotency_key!r}.")
