"""The outbox as an ``EMAIL_BACKEND``: sending an email means inserting a row.

The row is inserted in the caller's transaction. If the transaction rolls back, no email goes out, and if it commits,
the email can't get lost: a crash or a broker outage after the commit only delays it.
"""

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
from emails.kinds import priority_of
from emails.message import Message
from emails.models import OutboundEmail, Priority
from emails.wakeup import wake_worker

logger = logging.getLogger(__name__)


class OutboxBackend(BaseEmailBackend):
    """Queues emails instead of sending them, whatever code uses Django's email API.

    A message may have the attributes of ``emails.services.TemplatedEmail``, such as ``kind`` and ``idempotency_key``.
    Messages from Django itself or from other apps have none, and get the same guarantees.
    """

    def send_messages(self, email_messages: Iterable[EmailMessage] | None) -> int:
        """Queue all messages or none, and return how many are in the outbox now.

        A message whose idempotency key was already used counts, although nothing is inserted for it. Raises
        ``InvalidMessage`` for a message that no provider could send. With ``fail_silently``, logs and skips it.
        """
        rows = [row for message in email_messages or () if (row := self._row(message)) is not None]
        if not rows:
            return 0
        # In a caller's transaction, a savepoint would cost two queries and protect nothing: an error ends the whole
        # transaction, which must not commit without its emails.
        with transaction.atomic(savepoint=False):
            for row in rows:
                insert_once(row)
            # Earlier, the worker could look for the rows before they are visible. "robust", because the rows are safe
            # even if this fails, so the failure must not reach the caller.
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
    """Return an unsaved row that stores the message."""
    neutral = Message.from_django(message, uuid4())
    # The row becomes due at send_at, because not every provider can schedule. The content is stored without send_at, or
    # a provider that can schedule would be asked to wait as well.
    schedule = {} if neutral.send_at is None else {"due_at": neutral.send_at}
    neutral = replace(neutral, send_at=None)
    kind, priority = getattr(message, "kind", ""), getattr(message, "priority", None)
    return OutboundEmail(
        **schedule,
        id=neutral.id,
        kind=kind,
        priority=priority_of(kind) if priority is None else Priority(priority),
        # Null for an empty key, because a unique column may contain null more than once but "" only once.
        idempotency_key=getattr(message, "idempotency_key", None) or None,
        expires_at=getattr(message, "expires_at", None),
        sensitive=getattr(message, "sensitive", False),
        metadata=dict(neutral.metadata),
        recipients=" ".join(address.email.lower() for address in (*neutral.to, *neutral.cc, *neutral.bcc)),
        subject=neutral.subject,
        content=neutral.to_json(),
    )


def insert_once(row: OutboundEmail) -> None:
    """Insert the row unless its idempotency key exists already. The caller's transaction stays usable either way."""
    # An IntegrityError would abort the caller's transaction on PostgreSQL, so the insert ignores conflicts.
    if insert_if_absent([row]):
        return
    # It ignores conflicts on every constraint, but only one on the key is expected.
    if row.idempotency_key is None or not OutboundEmail.objects.filter(idempotency_key=row.idempotency_key).exists():
        raise IntegrityError(f"The outbox refused the message {row.id} with the key {row.idempotency_key!r}.")
