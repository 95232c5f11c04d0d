"""The functions that other apps call to send an email."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from emails.backends.outbox import OutboxBackend
from emails.rendering import render_email


class TemplatedEmail(EmailMultiAlternatives):
    """A Django message with the attributes that the outbox stores next to it.

    Any ``EmailMessage`` may have these attributes. A message without them has no kind.
    """

    kind: str
    idempotency_key: str | None
    expires_at: datetime | None
    sensitive: bool
    tags: Sequence[str]
    metadata: Mapping[str, str]


def send_templated_email(
    *,
    kind: str,
    to: str,
    context: Mapping[str, object],
    language: str | None = None,
    idempotency_key: str | None = None,
    expires_at: datetime | None = None,
    sensitive: bool = False,
    tags: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
) -> bool:
    """Queue one email to one recipient in the caller's transaction. It is sent after the commit, or not at all.

    - ``idempotency_key``: any later call with the same key does nothing.
    - ``expires_at``: the email isn't sent after this time.
    - ``sensitive``: the body is blanked once the email is sent or given up, and its links aren't tracked.
    - ``metadata["user_id"]``: the person the email belongs to.

    Returns whether the email is in the outbox, which it also is if an earlier call with the same key queued it. Raises
    ``TemplateDoesNotExist`` for an unknown kind, and ``InvalidMessage`` for an unusable email address or text. Never
    fails because of a provider or the broker.
    """
    message = _templated(kind, to, context, language)
    message.idempotency_key = idempotency_key
    message.expires_at = expires_at
    message.sensitive = sensitive
    message.tags = tags
    message.metadata = metadata or {}
    return bool(message.send())


def queue_and_roll_back_templated_email(
    *, kind: str, to: str, context: Mapping[str, object], language: str | None = None, **_: object
) -> bool:
    """Do the work of queueing this email, and undo it. Takes and returns the same as ``send_templated_email``.

    For responses that must take the same time whether or not an account exists. Call it inside a transaction, and send
    the real email inside a savepoint: then the two cases differ only in whether the savepoint is released or rolled
    back. Workers are woken up in both cases.
    """
    # Without an idempotency key, because a key that exists already would skip the insert.
    savepoint = transaction.savepoint()
    is_queued = OutboxBackend().send_messages([_templated(kind, to, context, language)])
    transaction.savepoint_rollback(savepoint)
    return bool(is_queued)


def _templated(kind: str, to: str, context: Mapping[str, object], language: str | None) -> TemplatedEmail:
    rendered = render_email(kind, context, language)
    message = TemplatedEmail(subject=rendered.subject, body=rendered.text, to=[to])
    message.attach_alternative(rendered.html, "text/html")
    message.kind = kind
    return message
