"""Messages, and backends that send them to the stand-in."""

import json
import re
from email.mime.image import MIMEImage
from typing import Any
from uuid import uuid4

from django.core.mail import EmailMultiAlternatives

from emails.backends import PROVIDERS
from emails.backends.api import ApiBackend
from emails.message import Message
from emails.tests.support.standin import StandIn

BOUNDARY = re.compile(rb"===============\d+==")
FRESH_HEADERS = re.compile(rb"^(Date|Message-ID): .*(\n[ \t].*)*\n", re.MULTILINE)
KEY = "key_of_the_tests_0123456789"


def mail(html: str = "", **fields: Any) -> Any:
    """A message to Ada that no provider refuses; ``fields`` replace the defaults."""
    defaults = {"subject": "Hello", "body": "Hello there.", "from_email": "Acme <hello@acme.example>"}
    message = EmailMultiAlternatives(**{**defaults, "to": ["ada@example.com"], **fields})
    if html:
        message.attach_alternative(html, "text/html")
    return message


def backend(provider: str, provider_api: StandIn, **options: Any) -> ApiBackend:
    return PROVIDERS[provider](api_key=KEY, api_url=provider_api.url(provider), **options)


def sent(provider: str, provider_api: StandIn, message: Any) -> dict[str, Any]:
    """Send the message and return the payload that the provider accepted."""
    assert backend(provider, provider_api).send_messages([message]) == 1
    return provider_api.accepted[-1].payload


def over_smtp(message: Any) -> Any:
    """Return the MIME that an SMTP server gets: the message after its trip through the outbox's JSON."""
    stored = json.loads(json.dumps(Message.from_django(message, uuid4()).to_json()))
    return Message.from_json(stored).to_django().message()


def comparable(mime: Any) -> bytes:
    """Return the bytes of the MIME without what is new each time it is built."""
    names: dict[bytes, bytes] = {}
    data = BOUNDARY.sub(lambda match: names.setdefault(match[0], b"boundary-%d" % len(names)), mime.as_bytes())
    return FRESH_HEADERS.sub(b"", data)


def inline_image() -> MIMEImage:
    """An inline image with a Content-ID."""
    image = MIMEImage(b"PNG", "png")
    image.add_header("Content-ID", "<logo>")
    image.add_header("Content-Disposition", "inline", filename="logo.png")
    return image


def with_alternative(content_type: str) -> Any:
    """A message with text, HTML, and one more alternative."""
    message = mail(html="<p>Hi</p>")
    message.attach_alternative("x", content_type)
    return message


def oversized_message() -> Any:
    """A message that is too large for every provider."""
    message = mail()
    message.attach("a.bin", b"x" * 30_000_001, "application/octet-stream")
    return message


def full_message() -> Any:
    """A message that uses every feature of the neutral form."""
    message = mail(html="<p>Hi 🎉</p>", cc=["B, C <b@example.com>"], headers={"X-A": "1"}, reply_to=["r@example.com"])
    message.attach_alternative("BEGIN:VCALENDAR", "text/calendar")
    message.attach("a.bin", bytes(range(256)), "application/octet-stream")
    message.attachments.append(inline_image())
    message.tags, message.metadata, message.sensitive = ["t"], {"k": "v"}, True
    return message
