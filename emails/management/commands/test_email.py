"""`python manage.py test_email ADDRESS`: sends a real message now, and prints the provider's own response."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives
from django.core.management.base import BaseCommand, CommandError

from emails import samples
from emails.backends import PROVIDERS, configured_provider, get_backend
from emails.backends.base import Request
from emails.errors import InvalidMessage, UnknownKind
from emails.message import Message
from emails.support.advice import CONSOLE, NOTHING_SENT, SEND_REAL_EMAIL
from emails.support.direct import NotSent, refuse_suppressed, send_now

MAX_STRING_CHARACTERS = 2000  # in the output of --dry-run; only attachments are longer


class Command(BaseCommand):
    help = "Send a real message now, bypassing the outbox, and print the provider's response."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="the recipient's email address")
        parser.add_argument(
            "--kind", help="the kind of email to send, with its sample data: a folder under templates/emails/"
        )
        parser.add_argument(
            "--provider", help="use this instead of EMAIL_PROVIDER: a provider's name or a backend's dotted path"
        )
        parser.add_argument("--dry-run", action="store_true", help="print what would be sent, without sending it")

    def handle(self, *_: Any, **options: Any) -> None:
        """Build the request before anything is checked against the database: --dry-run must work without one."""
        message_id = uuid4()
        try:
            backend = get_backend(options["provider"] or configured_provider())
            message = Message.from_django(message_for(options["address"], options["kind"]), message_id)
            request = backend.request([backend.serialize(message)])
        except (ImproperlyConfigured, InvalidMessage, UnknownKind, samples.SampleError) as error:
            raise CommandError(str(error)) from None
        if options["dry_run"]:
            self.stdout.write(describe(backend.name, request, message))
            return
        try:
            self.send(backend, request, message, options)
        except NotSent as error:
            raise CommandError(str(error)) from None

    def send(self, backend: Any, request: Request, message: Message, options: dict[str, Any]) -> None:
        """Send the message, or say that this provider sends nothing. Raises ``NotSent``."""
        kind = options["kind"] or ""
        if backend.name == CONSOLE:
            refuse_suppressed(message, kind)
            self.stdout.write(describe(backend.name, request, message))
            self.stdout.write(f"{NOTHING_SENT} {SEND_REAL_EMAIL}")
            return
        self.stdout.write(send_now(message, kind, options["provider"] or ""))
        self.stdout.write("To see whether it arrives, check the mailbox or wait for a delivery event.")


def message_for(address: str, kind: str | None) -> EmailMultiAlternatives:
    """Return the sample of a kind, or a plain test message."""
    if kind is None:
        text = f"This is a test message from {settings.BRAND_NAME}. It arrived, so email works."
        subject, html = f"Test message from {settings.BRAND_NAME}", f"<p>{text}</p>"
    else:
        rendered = samples.render_sample(kind)
        subject, text, html = rendered.subject, rendered.text, rendered.html
    message = EmailMultiAlternatives(subject, text, to=[address])
    message.attach_alternative(html, "text/html")
    return message


def describe(provider: str, request: Request, message: Message) -> str:
    """Return the call without the API key, or the raw email if the provider isn't an HTTP API."""
    if provider not in PROVIDERS:
        return f"{provider} would receive:\n\n{message.to_django().message().as_string()}"
    url = getattr(settings, f"{provider.upper()}_API_URL") + request.endpoint
    payload = json.dumps(shortened(json.loads(request.body)), ensure_ascii=False, indent=2)
    return f"POST {url}\n\n{payload}"


def shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value]
    is_long = isinstance(value, str) and len(value) > MAX_STRING_CHARACTERS
    return f"{value[:MAX_STRING_CHARACTERS]}… ({len(value):,} characters)" if is_long else value
