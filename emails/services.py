"""The functions that other apps call to send an email."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import Message as MimePart
from typing import Any
from uuid import uuid4

from django.core.mail import EmailMultiAlternatives

from common.db import database_now, execute
from emails.backends.outbox import DISCARDED, OutboxBackend
from emails.errors import InvalidMessage
from emails.message import Address, Attachment
from emails.message.address import parse_all
from emails.models import OutboundEmail, Priority, Status
from emails.rendering import RenderedEmail as RenderedEmail
from emails.rendering import render_email as render_email

DELETE_BY_KEY = f"DELETE FROM {OutboundEmail._meta.db_table} WHERE idempotency_key = %s"  # noqa: S608  # our own table

# An attachment in our form, or in any form that Django accepts: (name, content, type) or a MIME part.
AnyAttachment = Attachment | Sequence[Any] | MimePart


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
    send_at: datetime | None
    priority: Priority | None


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
    send_at: datetime | None = None,
    priority: Priority | None = None,
    from_email: str | None = None,
    reply_to: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    attachments: Sequence[AnyAttachment] = (),
) -> None:
    """Queue one email to one recipient in the caller's transaction. It is sent after the commit, or not at all.

    - ``context``: every variable that the templates look up. Optional ones are there with an empty value.
    - ``idempotency_key``: any later call with the same key does nothing.
    - ``expires_at``: the email isn't sent after this time.
    - ``sensitive``: the body is blanked once the email is sent or given up, and its links aren't tracked.
    - ``metadata["user_id"]``: the person the email belongs to.
    - ``send_at``: the email isn't sent before this time.
    - ``priority``: by default, the one in the kind's kind.json.
    - ``from_email``: by default, ``DEFAULT_FROM_EMAIL``.
    - ``attachments``: ``emails.message.Attachment``, or what Django's ``EmailMessage`` accepts.

    Raises ``InvalidMessage`` if ``to`` is empty or unusable, and for any other unusable email address, text, or file,
    ``MissingVariable`` if the context lacks a variable, ``UnknownKind`` for an unknown kind, and ``BrokenTemplate`` for
    a template that can't be compiled. Never fails because of a provider or the broker.
    """
    queue_templated_email(
        kind=kind,
        to=to,
        context=context,
        language=language,
        idempotency_key=idempotency_key,
        expires_at=expires_at,
        sensitive=sensitive,
        tags=tags,
        metadata=metadata or {},
        send_at=send_at,
        priority=priority,
        from_email=from_email,
        reply_to=reply_to,
        headers=headers,
        attachments=attachments,
    )


def queue_templated_email(**email: Any) -> bool:
    """Do the same as ``send_templated_email``, and return whether the email is in the outbox.

    It also is if an earlier call with the same key queued it. It isn't if EMAIL_BACKEND is another backend that sends
    nothing.
    """
    return bool(_templated(**email).send())


def cancel_templated_email(idempotency_key: str, *, reason: str) -> bool:
    """Cancel the email with this key if it is queued and no worker holds it. Returns whether it was.

    The key stays taken, so the same email is never sent again. ``reason`` is for staff.
    """
    queued = OutboundEmail.objects.filter(idempotency_key=idempotency_key, status=Status.QUEUED, lease_token=None)
    if (email := queued.first()) is None:
        return False
    ending = {"status": Status.CANCELLED, "reason": "", "detail": reason, "due_at": None, "settled_at": database_now()}
    return bool(queued.update(**ending, **email.changes_when_settled()))


def send_or_discard_templated_email(*, discard: bool, **email: Any) -> bool:
    """Send an email, or do the same work and send nothing. Takes and returns the same as ``queue_templated_email``.

    For responses that must take the same time whether or not an account exists. In both cases, a row is inserted, the
    same statements run, and workers are woken up. Call it inside a transaction, so that nobody sees a discarded row.
    """
    message = _templated(**email)
    key = f"{DISCARDED}{uuid4()}"
    if discard:
        message.idempotency_key = key
        is_queued = OutboxBackend().send_messages([message])
    else:
        is_queued = message.send()
    # Not rolled back: the commit would then have less to write, which can be measured if the disk is slow.
    execute(DELETE_BY_KEY, key)
    return bool(is_queued)


def _templated(
    *,
    kind: str,
    to: str,
    context: Mapping[str, object],
    language: str | None = None,
    from_email: str | None = None,
    reply_to: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    attachments: Sequence[AnyAttachment] = (),
    priority: Priority | None = None,
    **attributes: Any,
) -> TemplatedEmail:
    # The outbox checks all of this again. Other backends, such as the one of Django's test runner, don't.
    _refuse_unusable(to, from_email, reply_to)
    rendered = render_email(kind, context, language)
    message = TemplatedEmail(
        rendered.subject,
        rendered.text,
        from_email,
        [str(to)],
        reply_to=[*(reply_to or ())],
        headers=dict(headers or {}),
    )
    message.attach_alternative(rendered.html, "text/html")
    for attachment in attachments:
        _attach(message, attachment)
    message.kind = kind
    message.priority = None if priority is None else Priority(priority)
    for name, value in attributes.items():
        setattr(message, name, value)
    return message


def _refuse_unusable(to: str, from_email: str | None, reply_to: Sequence[str]) -> None:
    """Raise ``InvalidMessage`` unless ``to`` is one email address, and the others are if there are any."""
    if not to or not str(to).strip():
        raise InvalidMessage("to is empty. Pass the email address of the recipient.")
    Address.parse(to, "to")
    if from_email is not None:
        Address.parse(from_email, "from_email")
    tuple(parse_all(reply_to, "reply_to"))


def _attach(message: EmailMultiAlternatives, attachment: AnyAttachment) -> None:
    """Attach the file in Django's form. Raises ``InvalidMessage`` if it isn't one."""
    file: Any = attachment.to_django() if isinstance(attachment, Attachment) else attachment
    checked = Attachment.from_django(file)
    if isinstance(file, MimePart):
        message.attachments.append(file)  # attach() refuses Python's newer class for MIME parts
    else:
        name, content, content_type = (*file, None)[:3]
        message.attach(name or checked.filename, content, content_type)
