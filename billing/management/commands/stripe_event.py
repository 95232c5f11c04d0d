"""`python manage.py stripe_event TYPE`: a realistic event, signed and posted as Stripe would, and what came of it."""

import json
import re
import textwrap
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
from billing.webhook import signatures
from common.db import database_now
from common.email_addresses import normalize_address, validate_address
from emails.models import OutboundEmail

PATH = "/stripe/webhook"
PATIENCE = 30  # seconds, as `stripe listen` has
MOST_POSTS = 1000
LARGEST_AMOUNT = 99_999_999  # that Stripe takes


@dataclass(frozen=True, slots=True)
class Target:
    """Where events go, and with which secret they are signed."""

    url: str
    secret: str

    @property
    def site(self) -> str:
        return self.url.removesuffix(urlsplit(self.url).path)


class Formatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Django's own, which leaves the list of types a list."""


class Command(BaseCommand):
    help = "Sign a realistic event of Stripe's, post it to the running server, and tell what came of it."

    def create_parser(self, *arguments: Any, **options: Any) -> Any:
        epilog = "The types:\n" + textwrap.indent("\n".join(testing.types()), "  ")
        return super().create_parser(*arguments, formatter_class=Formatter, epilog=epilog, **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("type", nargs="?", default="", help="of the event, such as invoice.paid; see below")
        parser.add_argument("--email", default="ada@example.com", help="whom it is about; of a user: shown to them")
        parser.add_argument("--amount", help="in the currency's smallest unit [the plan's price, or what is refunded]")
        parser.add_argument("--currency", default="", help="three letters, such as usd")
        parser.add_argument("--replay", default="1", metavar="N", help="post the very same event N times")
        parser.add_argument("--generation", default="new", help="new, or old: as before API version 2025-03-31")
        parser.add_argument("--url", help="of the server [http://127.0.0.1:PORT, where bin/dev serves it]")
        parser.add_argument("--yes", action="store_true", help="also where live payments are taken")

    def handle(self, *_: Any, **options: Any) -> None:
        target = Target(webhook_url(options["url"]), secret(is_meant=options["yes"]))
        posts = one_of_many(options["replay"], "--replay", 1, MOST_POSTS)
        try:
            *earlier, last = events_of(options)
            for event in earlier:
                self.post(event, target, 1)
            self.post(last, target, posts)
        except DatabaseError as error:
            raise CommandError(f"The database gives no answer: {error}. Was it migrated? bin/dev does that.") from None

    def post(self, event: testing.SampleEvent, target: Target, times: int) -> None:
        started = database_now()
        for _ in range(times):
            self.stdout.write(f"{post(event, target)} {event['type']} {event['id']}")
        for line in outcome(event, started, target):
            self.stdout.write(f"    {line}")


def secret(*, is_meant: bool) -> str:
    if settings.STRIPE_LIVEMODE and not is_meant:
        raise CommandError(
            "This installation takes live payments: a made-up event would be a payment in its books, and real mail. "
            "Use settings.development, or add --yes if that is what you want."
        )
    if not settings.STRIPE_WEBHOOK_SECRETS:
        raise CommandError("STRIPE_WEBHOOK_SECRETS is not set, so there is nothing to sign with.")
    first: str = settings.STRIPE_WEBHOOK_SECRETS[0]
    return first


def webhook_url(url: str | None) -> str:
    """Of a server's own address, or of the webhook's."""
    url = (url or f"http://127.0.0.1:{settings.PORT}").rstrip("/")
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        is_usable = False
    if not is_usable or parts.query or parts.fragment:
        raise CommandError(f"--url takes an address such as http://127.0.0.1:8000, not {url!r}.")
    return url if parts.path else url + PATH


def events_of(options: dict[str, Any]) -> list[testing.SampleEvent]:
    generation = options["generation"]
    if generation not in testing.GENERATIONS:
        raise CommandError(f"--generation takes {' or '.join(testing.GENERATIONS)}, not {generation!r}.")
    types = testing.types(generation)
    if options["type"] not in types:
        problem = f"There is no event {options['type']!r} here." if options["type"] else "Which event?"
        raise CommandError(f"{problem} The types are: {', '.join(types)}.")
    amount = options["amount"]
    return testing.events(
        options["type"],
        address(options["email"]),
        amount=None if amount is None else one_of_many(amount, "--amount", 0, LARGEST_AMOUNT),
        currency=currency(options["currency"]),
        generation=generation,
    )


def address(value: str) -> str:
    found = normalize_address(value)
    try:
        validate_address(found)
    except ValidationError:
        raise CommandError(f"--email takes one address, not {value!r}.") from None
    return found


def one_of_many(value: str | int, option: str, least: int, most: int) -> int:
    digits = str(value)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 12 and least <= int(digits) <= most):
        raise CommandError(f"{option} takes a whole number from {least} to {most}, not {digits!r}.")
    return int(digits)


def currency(value: str) -> str:
    if value and not re.fullmatch("[A-Za-z]{3}", value):
        raise CommandError(f"--currency takes three letters, such as usd, not {value!r}.")
    return value.lower()


def post(event: testing.SampleEvent, target: Target) -> int:
    """Returns the status, which is a 2xx."""
    body = json.dumps(event, indent=2, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signatures.sign(body, target.secret, at=time.time()),
    }
    with requests.Session() as session:
        session.trust_env = False  # no proxy between this machine and itself
        try:
            response = session.post(target.url, body, headers=headers, timeout=PATIENCE, allow_redirects=False)
        except requests.Timeout:
            raise CommandError(f"{target.url} gave no answer within {PATIENCE} seconds. Look at its log.") from None
        except requests.RequestException:
            raise CommandError(
                f"Nothing answers at {target.url}. Is bin/dev running? --url and PORT say where."
            ) from None
    if not 200 <= response.status_code < 300:
        raise CommandError(f"{target.url} answered {response.status_code}: {said(response)} {advice(response)}")
    return response.status_code


def said(response: requests.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.reason or ""


def advice(response: requests.Response) -> str:
    status = response.status_code
    if 300 <= status < 400:
        return f"Stripe follows no redirect. It leads to {response.headers.get('Location', 'nowhere')}."
    if status == 400:
        return "Does the server run with the same STRIPE_WEBHOOK_SECRETS, and has it this host in ALLOWED_HOSTS?"
    if status == 404:
        return f"Is it a server of this project? Events go to {PATH}."
    return "Its log says more."


def outcome(event: testing.SampleEvent, started: Any, target: Target) -> Iterator[str]:
    """What this database knows of the event; ``started``: before it was posted."""
    row = StripeEvent.objects.filter(pk=event["id"]).first()
    if row is None:
        yield "Not in this database: the server has another one, and knows what came of it."
        return
    mails = queued_for(event, started)
    yield from told(row, mails)
    yield from (f"{mail.kind} to {mail.recipients}, {mail.idempotency_key}: {page(mail, target)}" for mail in mails)


def told(row: StripeEvent, mails: Sequence[OutboundEmail]) -> Iterator[str]:
    if row.error:
        yield f"{row.get_status_display()}. {row.error.splitlines()[-1]}"
    elif row.note:
        yield row.note
    elif not mails:
        yield "Handled; no mail."


def queued_for(event: testing.SampleEvent, started: Any) -> Sequence[OutboundEmail]:
    """The keys of mails hold the id of what they are about."""
    about = event["data"]["object"]["id"]
    mails = OutboundEmail.objects.filter(idempotency_key__contains=about, created_at__gte=started)
    return list(mails.defer("content").order_by("created_at"))


def page(mail: OutboundEmail, target: Target) -> str:
    if settings.DEVELOPMENT_ROUTES:
        return target.site + reverse("development:message", args=[mail.pk])
    return target.site + reverse("admin:emails_outboundemail_change", args=[mail.pk])
