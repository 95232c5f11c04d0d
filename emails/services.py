"""The functions that other apps call to send an email."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.core.mail import EmailMultiAlternatives

from common.db import execute
from emails.backends.outbox import OutboxBackend
from emails.models import OutboundEmail
from emails.rendering import render_email

DELETE_BY_KEY = f"DELETE FROM {OutboundEmail._meta.db_table} WHERE idempotency_key = %s"  # noqa: S608  # our own table


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
    return bool(
        _templated(
            kind=kind,
            to=to,
            context=context,
            language=language,
            idempotency_key=idempotency_key,
            expires_at=expires_at,
            sensitive=sensitive,
            tags=tags,
            metadata=metadata or {},
        ).send()
    )


def send_or_discard_templated_email(*, discard: bool, **email: Any) -> bool:
    """Send an email, or do the same work and send nothing. Takes and returns the same as ``send_templated_email``.

    For responses that must take the same time whether or not an account exists. In both cases, a row is inserted, the
    same statements run, and workers are woken up. Call it inside a transaction, so that nobody sees a discarded row.
    """
    message = _templated(**email)
    key = f"discarded:{uuid4()}"
    if discard:
        message.idempotency_key = key
        queued = OutboxBackend().send_messages([message])
    else:
        queued = message.send()
    # Not rolled back: the commit would then have less to write, which can be measured if the disk is slow.
    execute(DELETE_BY_KEY, key)
    return bool(queued)


def _templated(
    *, kind: str, to: str, context: Mapping[str, object], language: str | None = None, **attributes: Any
) -> TemplatedEmail:
    rendered = render_email(kind, context, language)
    message = TemplatedEmail(subject=rendered.subject, body=rendered.text, to=[to])
    message.attach_alternative(rendered.html, "text/html")
    message.kind = kind
    for name, value in attributes.items():
        setattr(message, name, value)
    return message
