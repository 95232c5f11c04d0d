"""`python manage.py stripe_event TYPE` posts a signed sample event as Stripe would, and prints the result.

With ``--story NAME``, it posts all events of a story about one customer (billing/testing/stories/).
"""

import re
import textwrap
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter
from django.db import DatabaseError

from billing import testing
from billing.testing import outcomes
from billing.testing.posts import PATH, Target, post
from billing.testing.stories import Story, all_stories
from billing.testing.stories.telling import tell
from common.db import database_now
from common.email_addresses import normalize_address, validate_address

MAX_REPLAYS = 1000
MAX_AMOUNT = 99_999_999  # Stripe's limit
MAX_DIGITS = 11
MAX_SEED = 10**9


class Formatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Django's formatter, except that the list of types keeps its line breaks."""


class Command(BaseCommand):
    help = "Sign a realistic Stripe event, post it to the running server, and show the result."

    def create_parser(self, *arguments: Any, **options: Any) -> Any:
        epilog = "Event types:\n" + textwrap.indent("\n".join(testing.types()), "  ") + "\n\n" + list_of_stories()
        return super().create_parser(*arguments, formatter_class=Formatter, epilog=epilog, **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options, all of them as text."""
        # The functions below check the values, because their messages say more than argparse's.
        parser.add_argument(
            "type", nargs="?", default="", help="the event type, such as invoice.paid (see the list below)"
        )
        parser.add_argument(
            "--story", default="", metavar="NAME", help="play all events of a story (see the list below)"
        )
        parser.add_argument("--list", action="store_true", help="list the stories")
        parser.add_argument(
            "--shuffle", metavar="SEED", help="play the story in a random order, which the number SEED determines"
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
        """List the stories, or post a story or an event. Raises ``CommandError`` if that fails."""
        if options["list"]:
            self.stdout.write(list_of_stories())
            return
        target = Target(webhook_url(options["url"]), secret(is_confirmed=options["yes"]))
        try:
            if options["story"]:
                self.play(options, target)
            else:
                self.post_event(options, target)
        except DatabaseError as error:
            raise CommandError(
                f"The database doesn't respond: {error}. If it hasn't been migrated, bin/dev does that."
            ) from None

    def play(self, options: dict[str, Any], target: Target) -> None:
        """Post the events of a story, each with its effect and its emails."""
        story = story_of(options)
        seed = options["shuffle"]
        try:
            tell(
                story,
                email_address(options["email"]),
                target,
                self.stdout.write,
                generation=generation_of(options),
                seed=None if seed is None else whole_number(seed, "--shuffle", 0, MAX_SEED),
            )
        except ValueError as error:
            raise CommandError(str(error)) from None

    def post_event(self, options: dict[str, Any], target: Target) -> None:
        """Post the event, preceded by earlier ones that it depends on."""
        posts = whole_number(options["replay"], "--replay", 1, MAX_REPLAYS)
        *preceding, last = events_of(options)
        for event in preceding:
            self.post(event, target, 1)
        self.post(last, target, posts)

    def post(self, event: testing.SampleEvent, target: Target, times: int) -> None:
        started_at = database_now()
        for _ in range(times):
            self.stdout.write(f"{post(event, target)} {event['type']} {event['id']}")
        emails = outcomes.emails_about([outcomes.subject_of(event)], "", started_at)
        lines = list(outcomes.lines_about(event, emails, target.site))
        for line in lines or ["Handled. No email was queued."]:
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
    generation = generation_of(options)
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


def generation_of(options: dict[str, Any]) -> str:
    generation: str = options["generation"]
    if generation not in testing.GENERATIONS:
        raise CommandError(f"--generation takes {' or '.join(testing.GENERATIONS)}, not {generation!r}.")
    return generation


def story_of(options: dict[str, Any]) -> Story:
    """Return the story that the options ask for. Raises ``CommandError`` for options that a story doesn't have."""
    name, stories = options["story"], all_stories()
    if name not in stories:
        raise CommandError(f"Unknown story {name!r}. The available stories are: {', '.join(stories)}.")
    if options["type"]:
        raise CommandError("Name either an event type or a story.")
    if options["amount"] is not None or options["currency"] or options["replay"] != "1":
        raise CommandError("A story has its own amounts and currency, and each event once.")
    return stories[name]


def list_of_stories() -> str:
    stories = [f"{name}: {story.about}" for name, story in all_stories().items()]
    return "Stories:\n" + textwrap.indent("\n".join(stories), "  ")


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
