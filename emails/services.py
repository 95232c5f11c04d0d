"""The door that the other apps use."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from emails.backends.outbox import OutboxBackend
from emails.rendering import render_email


class TemplatedEmail(EmailMultiAlternatives):
    """A Django message that also says which mail it is. The outbox stores what the attributes say.

    Any ``EmailMessage`` may carry these attributes; one that does not is a message without a kind.
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
) -> None:
    """Queue one mail to one recipient in the caller's transaction; it goes out after the commit, or not at all.

    ``idempotency_key``: a second call with the same key, at any time, does nothing. ``expires_at``: not delivered
    later than this. ``sensitive``: the body is blanked once the mail is sent or dead, and its links are not tracked.
    ``metadata["user_id"]`` says to whom the mail belongs. Raises ``TemplateDoesNotExist`` for an unknown kind and
    ``InvalidMessage`` for an address or text that no mail can carry; never because of a provider or the broker.
    """
    message = _templated(kind, to, context, language)
    message.idempotency_key = idempotency_key
    message.expires_at = expires_at
    message.sensitive = sensitive
    message.tags = tags
    message.metadata = metadata or {}
    message.send()


def queue_and_roll_back_templated_email(
    *, kind: str, to: str, context: Mapping[str, object], language: str | None = None, **_: object
) -> None:
    """All the work of queueing this mail, and nothing is left of it; takes what ``send_templated_email`` takes.

    For answers that must take the same time whether or not there is anybody to write to. To be called in a transaction,
    and the real mail then in a savepoint: the one savepoint is released and the other rolled back, and no more tells
    them apart. Workers are nudged as well.
    """
    savepoint = transaction.savepoint()
    OutboxBackend().send_messages([_templated(kind, to, context, language)])
    transaction.savepoint_rollback(savepoint)


def _templated(kind: str, to: str, context: Mapping[str, object], language: str | None) -> TemplatedEmail:
    rendered = render_email(kind, context, language)
    message = TemplatedEmail(subject=rendered.subject, body=rendered.text, to=[to])
    message.attach_alternative(rendered.html, "text/html")
    message.kind = kind
    return message
