"""The parts of a message that staff and developers may see."""

from collections.abc import Iterator

from django.conf import settings

from emails.message import Message
from emails.models import OutboundEmail


def readable_message(email: OutboundEmail) -> Message | None:
    """Return the message, or None if its body is blanked or holds live links.

    Anyone who can read a password reset link can take over the account, so such messages are shown only if DEBUG is on.
    """
    if email.is_body_deleted or (email.sensitive and not settings.DEBUG):
        return None
    return email.message


def header_lines(message: Message) -> list[tuple[str, str]]:
    """Return (name, value) pairs for everything but the bodies: the headers, tags, metadata, and attached files."""
    return [(name, value) for name, value in all_lines(message) if value]


def all_lines(message: Message) -> Iterator[tuple[str, str]]:
    """Yield the pairs of ``header_lines``, including those with an empty value."""
    yield "From", str(message.from_email)
    yield "To", ", ".join(map(str, message.to))
    yield "Cc", ", ".join(map(str, message.cc))
    yield "Bcc", ", ".join(map(str, message.bcc))
    yield "Reply-To", ", ".join(map(str, message.reply_to))
    yield "Subject", message.subject
    yield from message.headers
    yield "Tags", ", ".join(message.tags)
    yield "Metadata", ", ".join(f"{key}={value}" for key, value in message.metadata)
    for file in message.attachments:
        yield "Attachment", f"{file.filename} ({file.content_type}, {len(file.content):,} bytes)"
    for alternative in message.alternatives:
        yield "Alternative", f"{alternative.content_type} ({len(alternative.content):,} characters)"
