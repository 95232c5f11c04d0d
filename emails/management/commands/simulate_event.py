"""`python manage.py simulate_event ID TYPE` posts a signed delivery event to the running server, as providers do."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from emails import simulation


class Command(BaseCommand):
    help = (
        "Simulate a delivery event: sign it as the provider that sent the email would, and post it to the running "
        "server. Only with development settings."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        # The functions below check the values, because their messages say more than argparse's.
        parser.add_argument("email", nargs="?", default="", help="the email's ID, or “latest” for the newest one")
        parser.add_argument("event", nargs="?", default="", help=", ".join(simulation.TYPES))
        parser.add_argument(
            "--provider",
            default="",
            help="use this provider's format [default: the one that sent the email, or else EMAIL_PROVIDER, or resend]",
        )
        parser.add_argument("--url", help="the server's URL [default: http://127.0.0.1:PORT, where bin/dev runs]")

    def handle(self, *_: Any, **options: Any) -> None:
        """Post the event and print what became of the email. Raises ``CommandError`` with a sentence."""
        if not settings.DEVELOPMENT_ROUTES:
            raise CommandError("simulate_event works only with settings.development: events change real records.")
        if not options["email"] or not options["event"]:
            types = ", ".join(simulation.TYPES)
            raise CommandError(f"Name an email and an event: simulate_event latest bounced. The events are: {types}.")
        url = options["url"] or f"http://127.0.0.1:{settings.PORT}"
        try:
            email = simulation.find_email(options["email"])
            done = simulation.simulate(email, options["event"], url=url, provider=options["provider"])
        except simulation.SimulationError as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(
                f"The database doesn't respond: {error}. If it hasn't been migrated, bin/dev does that."
            ) from None
        self.stdout.write(done.sentence)
        self.stdout.write(f"    {url}/dev/inbox/{email.pk}/")
