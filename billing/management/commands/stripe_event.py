"""`python manage.py stripe_event TYPE` posts a signed sample event as Stripe would, and prints the result."""

import json
import re
import textwrap
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter
from django.db import DatabaseError
from django.urls import reverse

from billing import testing
from billing.models import StripeEvent
from billing.payloads import StripeObject, UpcomingInvoice
from billing.webhook import signatures
from common.db import database_now
from common.email_addresses import normalize_address, validate_address
from emails.models import OutboundEmail

PATH = "/stripe/webhook"
TIMEOUT = 30  # seconds, as in `stripe listen`
MAX_REPLAYS = 1000
MAX_AMOUNT = 99_999_999  # Stripe's limit
MAX_DIGITS = 11


@dataclass(frozen=True, slots=True)
class Target:
    """The webhook's URL, and the secret that signs the events."""

    url: str
    secret: str

    @property
    def site(self) -> str:
        return self.url.removesuffix(urlsplit(self.url).path)


class Formatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Django's formatter, except that the list of types keeps its line breaks."""


class Command(BaseCommand):
    help = "Sign a realistic Stripe event, post it to the running server, and show the result."

    def create_parser(self, *arguments: Any, **options: Any) -> Any:
        epilog = "Event types:\n" + textwrap.indent("\n".join(testing.types()), "  ")
        return super().create_parser(*arguments, formatter_class=Formatter, epilog=epilog, **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options, all of them as text."""
        # The functions below check the values, because their messages say more than argparse's.
        parser.add_argument(
            "type", nargs="?", default="", help="the event type, such as invoice.paid (see the list below)"
        )
        parser.add_argument(
            "--email",
            default="ada@example.com",
            help="the customer's email address; if a user has it, they see the result",
        )
        parser.add_argument(
            "--amount", help="in the currency's smallest unit [default: the plan's price, or the refunded amount]"
        )
        parser.add_argument("--currency", default="", help="three letters, such as usd")
        parser.add_argument("--replay", default="1", metavar="N", help="post the same event N times")
        parser.add_argument("--generation", default="new", help="new, or old (before API version 2025-03-31)")
        parser.add_argument("--url", help="the server's URL [default: http://localhost:PORT, where bin/dev runs]")
        parser.add_argument(
            "--yes", action="store_true", help="allow this even if the installation accepts live payments"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Post the event, preceded by earlier ones that it depends on. Raises ``CommandError`` if that fails."""
        target = Target(webhook_url(options["url"]), secret(is_confirmed=options["yes"]))
        posts = whole_number(options["replay"], "--replay", 1, MAX_REPLAYS)
        try:
            *preceding, last = events_of(options)
            for event in preceding:
                self.post(event, target, 1)
            self.post(last, target, posts)
        except DatabaseError as error:
            raise CommandError(
                f"The database doesn't respond: {error}. If it hasn't been migrated, bin/dev does that."
            ) from None

    def post(self, event: testing.SampleEvent, target: Target, times: int) -> None:
        started_at = database_now()
        for _ in range(times):
            self.stdout.write(f"{post(event, target)} {event['type']} {event['id']}")
        for line in result_of(event, started_at, target):
            self.stdout.write(f"    {line}")


# The command's options


def secret(*, is_confirmed: bool) -> str:
    """Return the secret that the server accepts. Raises ``CommandError`` on a live installation without --yes."""
    if settings.STRIPE_LIVEMODE and not is_confirmed:
        raise CommandError(
            "This installation accepts live payments. A made-up event would be recorded as a payment and send real "
            "email. Use settings.development, or add --yes if you really want this."
        )
    if not settings.STRIPE_WEBHOOK_SECRETS:
        raise CommandError("STRIPE_WEBHOOK_SECRETS is not set, so there is nothing to sign with.")
    first: str = settings.STRIPE_WEBHOOK_SECRETS[0]
    return first


def webhook_url(url: str | None) -> str:
    """Return the webhook's URL, given that URL or only the server's."""
    url = (url or f"http://localhost:{settings.PORT}").rstrip("/")
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable or parts.query or parts.fragment:
        raise CommandError(f"--url takes a URL such as http://127.0.0.1:8000, not {url!r}.")
    return url if parts.path else url + PATH


def events_of(options: dict[str, Any]) -> list[testing.SampleEvent]:
    """Return the events that the options ask for. Raises ``CommandError`` if an option has no usable value."""
    generation = options["generation"]
    if generation not in testing.GENERATIONS:
        raise CommandError(f"--generation takes {' or '.join(testing.GENERATIONS)}, not {generation!r}.")
    types = testing.types(generation)
    if options["type"] not in types:
        problem = f"Unknown event type {options['type']!r}." if options["type"] else "Name an event type."
        raise CommandError(f"{problem} The available types are: {', '.join(types)}.")
    amount = options["amount"]
    return testing.events(
        options["type"],
        email_address(options["email"]),
        amount=None if amount is None else whole_number(amount, "--amount", 0, MAX_AMOUNT),
        currency=currency(options["currency"]),
        generation=generation,
    )


def email_address(value: str) -> str:
    address = normalize_address(value)
    try:
        validate_address(address)
    except ValidationError:
        raise CommandError(f"--email takes one email address, not {value!r}.") from None
    return address


def whole_number(value: str | int, option: str, minimum: int, maximum: int) -> int:
    digits = str(value)
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS
    if not is_number or not minimum <= int(digits) <= maximum:
        raise CommandError(f"{option} takes a whole number from {minimum} to {maximum}, not {digits!r}.")
    return int(digits)


def currency(value: str) -> str:
    if value and not re.fullmatch("[A-Za-z]{3}", value):
        raise CommandError(f"--currency takes three letters, such as usd, not {value!r}.")
    return value.lower()


# The request


def post(event: testing.SampleEvent, target: Target) -> int:
    """Post the event and return the status code, which is a 2xx. Raises ``CommandError`` with advice for any other."""
    body = json.dumps(event, indent=2, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signatures.sign(body, target.secret, at=time.time()),
    }
    with requests.Session() as session:
        session.trust_env = False  # a configured proxy often can't reach this machine
        try:
            response = session.post(target.url, body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.Timeout:
            raise CommandError(f"{target.url} did not respond within {TIMEOUT} seconds. Check its log.") from None
        except requests.RequestException:
            raise CommandError(f"There is no server at {target.url}. Start bin/dev, or set --url or PORT.") from None
    if not 200 <= response.status_code < 300:
        problem = f"{target.url} responded with {response.status_code}: {detail_of(response).rstrip('.')}."
        raise CommandError(f"{problem} {advice(response)}")
    return response.status_code


def detail_of(response: requests.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.reason or ""


def advice(response: requests.Response) -> str:
    status = response.status_code
    if 300 <= status < 400:
        return f"Stripe doesn't follow redirects. This one leads to {response.headers.get('Location', 'nowhere')}."
    if status == 400:
        return "Check that the server uses the same STRIPE_WEBHOOK_SECRETS and has this host in ALLOWED_HOSTS."
    if status == 404:
        return f"Check that the server runs this project. Events go to {PATH}."
    return "See the server's log for details."


# The result


def result_of(event: testing.SampleEvent, started_at: datetime, target: Target) -> Iterator[str]:
    """Yield what this database says about the event, and the emails that it queued since ``started_at``."""
    row = StripeEvent.objects.filter(pk=event["id"]).first()
    if row is None:
        yield "The event isn't in this database. The server uses another one, which has the result."
        return
    emails = queued_emails(event, started_at)
    if row.error:
        yield f"{row.get_status_display()}. {row.error.splitlines()[-1]}"
    elif row.note:
        yield row.note
    elif not emails:
        yield "Handled. No email was queued."
    for email in emails:
        yield f"{email.kind} to {email.recipients}, {email.idempotency_key}: {page_of(email, target)}"


def queued_emails(event: testing.SampleEvent, started_at: datetime) -> Sequence[OutboundEmail]:
    # The idempotency key of an email contains the id of the object that the email is about.
    data = StripeObject(event["data"]["object"])
    object_id = data.id or UpcomingInvoice.read(data).subscription
    emails = OutboundEmail.objects.filter(idempotency_key__contains=object_id, created_at__gte=started_at)
    return list(emails.defer("content").order_by("created_at"))


def page_of(email: OutboundEmail, target: Target) -> str:
    if settings.DEVELOPMENT_ROUTES:
        return target.site + reverse("development:message", args=[email.pk])
    return target.site + reverse("admin:emails_outboundemail_change", args=[email.pk])
