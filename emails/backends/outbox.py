"""The outbox as an ``EMAIL_BACKEND``: sending an email means inserting a row.

The row is inserted in the caller's transaction. If the transaction rolls back, no email goes out, and if it commits,
the email can't get lost: a crash or a broker outage after the commit only delays it.
"""

import logging
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from uuid import uuid4

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import Error, IntegrityError, transaction

from common.db import insert_if_absent
from common.failpoints import failpoint
from common.log_context import origin
from common.redaction import redact
from emails.errors import InvalidMessage
from emails.kinds import priority_of
from emails.message import Message
from emails.models import OutboundEmail, Priority
from emails.wakeup import wake_worker

logger = logging.getLogger(__name__)

DISCARDED = "discarded:"  # the beginning of the key of a row that is deleted before the commit
NOT_QUEUED = "not queued; fail_silently is on"
is_logging_loss: ContextVar[bool] = ContextVar("is_logging_loss", default=False)


class OutboxBackend(BaseEmailBackend):
    """Queues emails instead of sending them, whatever code uses Django's email API.

    A message may have the attributes of ``emails.services.TemplatedEmail``, such as ``kind`` and ``idempotency_key``.
    Messages from Django itself or from other apps have none, and get the same guarantees.
    """

    def send_messages(self, email_messages: Iterable[EmailMessage] | None) -> int:
        """Queue all messages or none, and return how many are in the outbox now.

        A message whose idempotency key was already used counts, although nothing is inserted for it. Raises
        ``InvalidMessage`` for a message that no provider could send, and the database's errors.

        With ``fail_silently``, logs and skips an invalid message. After an error of the database, logs it and returns
        0, and the caller's transaction is as usable as before.
        """
        messages = [*(email_messages or ())]
        rows = [row for message in messages if (row := self._row(message)) is not None]
        if not rows:
            return 0
        try:
            self._insert(rows)
        except Error as error:
            if not self.fail_silently:
                raise
            # Only the first line, because PostgreSQL quotes the row in the others.
            log_loss(messages, f"{type(error).__name__}: {redact(str(error).partition(chr(10))[0])}")
            return 0
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
            log_loss([message], str(error))
            return None

    def _insert(self, rows: Sequence[OutboundEmail]) -> None:
        # In a caller's transaction, a savepoint would cost two queries and protect nothing: an error ends the whole
        # transaction, which must not commit without its emails. With fail_silently, it may.
        with transaction.atomic(savepoint=self.fail_silently):
            new = [row for row in rows if insert_once(row)]
            # Earlier, the worker could look for the rows before they are visible. "robust", because the rows are safe
            # even if this fails, so the failure must not reach the caller.
            transaction.on_commit(partial(announce, new), robust=True)


def announce(rows: Sequence[OutboundEmail]) -> None:
    """Log which messages are queued now, because this links them to the request, and wake a worker."""
    for row in rows:
        if not (row.idempotency_key or "").startswith(DISCARDED):
            logger.info("Message %s (%s) is queued.", row.pk, row.kind or "no kind", extra={"email": row})
    wake_worker()


def log_loss(messages: Sequence[EmailMessage], problem: str) -> None:
    """Log that the messages were not queued, unless they report such a line themselves.

    Handlers such as Django's AdminEmailHandler email what is logged. Without an end, each line would cause another one.
    A handler may send the email right away or, behind a queue, in another thread, where only its text gives it away.
    """
    is_report = any(NOT_QUEUED in f"{message.subject} {message.body}" for message in messages)
    if is_report or is_logging_loss.get():
        return
    token = is_logging_loss.set(True)
    try:
        lost = "A message was" if len(messages) == 1 else f"{len(messages)} messages were"
        logger.error("%s %s: %s", lost, NOT_QUEUED, problem)
    finally:
        is_logging_loss.reset(token)


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
        metadata={**dict(neutral.metadata), **origin()},
        recipients=" ".join(address.email.lower() for address in (*neutral.to, *neutral.cc, *neutral.bcc)),
        subject=neutral.subject,
        content=neutral.to_json(),
    )


def insert_once(row: OutboundEmail) -> bool:
    """Insert the row unless its idempotency key exists already. The caller's transaction stays usable either way.

    Returns whether it was inserted.
    """
    # An IntegrityError would abort the caller's transaction on PostgreSQL, so the insert ignores conflicts.
    if insert_if_absent([row]):
        return True
    # It ignores conflicts on every constraint, but only one on the key is expected.
    if row.idempotency_key is None or not OutboundEmail.objects.filter(idempotency_key=row.idempotency_key).exists():
        raise IntegrityError(f"The outbox refused the message {row.id} with the key {row.idempotency_key!r}.")
    return False
