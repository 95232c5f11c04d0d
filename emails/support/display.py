"""What a person sees of a message: its header lines, its text, and its html in a frame that can do nothing."""

from collections.abc import Iterator

from django.conf import settings

from emails.message import Message
from emails.models import OutboundEmail


def readable_message(email: OutboundEmail) -> Message | None:
    """The message, or None where nobody may or can read it: blanked, or its links are still live.

    Whoever reads the link of a password reset owns the account, so only DEBUG shows it.
    """
    if email.is_blanked or (email.sensitive and not settings.DEBUG):
        return None
    return email.message


def header_lines(message: Message) -> list[tuple[str, str]]:
    return [(name, value) for name, value in lines(message) if value]


def lines(message: Message) -> Iterator[tuple[str, str]]:
    yield "From", str(message.from_email)
    for name, addresses in (
        ("To", message.to), ("Cc", message.cc), ("Bcc", message.bcc), ("Reply-To", message.reply_to)
    ):  # fmt: skip
        yield name, ", ".join(map(str, addresses))
    yield "Subject", message.subject
    yield from message.headers
    yield "Tags", ", ".join(message.tags)
    yield "Metadata", ", ".join(f"{key}={value}" for key, value in message.metadata)
    for file in message.attachments:
        yield "Attachment", f"{file.filename} ({file.content_type}, {len(file.content):,} bytes)"
    for alternative in message.alternatives:
        yield "Alternative", f"{alternative.content_type} ({len(alternative.content):,} characters)"
