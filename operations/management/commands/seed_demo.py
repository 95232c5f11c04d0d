"""`python manage.py seed_demo` fills the database with made-up people, emails, and payments."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from operations.demo.progress import Progress
from operations.demo.removal import remove
from operations.demo.seeding import seed

PEOPLE, EMAILS = 2_000, 20_000
MAXIMUM = 200_000  # of each


class Command(BaseCommand):
    help = (
        "Fill the database with made-up people, emails, and payments, so that the admin and the pages have something "
        "to show. Replaces the rows of an earlier run. Only with development settings."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--people", default=PEOPLE, type=int, metavar="N", help=f"how many people [default: {PEOPLE}]"
        )
        parser.add_argument(
            "--emails", default=EMAILS, type=int, metavar="N", help=f"how many emails at most [default: {EMAILS}]"
        )
        parser.add_argument("--remove", action="store_true", help="only delete what earlier runs have added")

    def handle(self, *_: Any, **options: Any) -> None:
        """Write or remove the rows. Raises ``CommandError`` with a sentence."""
        if problem := obstacle(is_removal=options["remove"]):
            raise CommandError(problem)
        for name in ("people", "emails"):
            if not 1 <= options[name] <= MAXIMUM:
                raise CommandError(f"--{name} takes a number from 1 to {MAXIMUM:,}, not {options[name]:,}.")
        try:
            self.run(options)
        except DatabaseError as error:
            raise CommandError(
                f"The database doesn't respond, or isn't migrated: {error}. Run bin/dev once, and seed_demo again."
            ) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted. Run seed_demo again, or seed_demo --remove.") from None

    def run(self, options: dict[str, Any]) -> None:
        progress = Progress(sys.stderr)
        removed = remove(progress)
        if options["remove"]:
            self.stdout.write("Everything is removed." if removed else "There was nothing to remove.")
            return
        seed(options["people"], options["emails"], progress)
        self.stdout.write(f"Open http://localhost:{settings.PORT}/admin/. Log in with an account of your own:")
        self.stdout.write("    bin/manage createsuperuser")


def obstacle(*, is_removal: bool) -> str:
    """Return why the command can't run with these settings, or an empty string."""
    if not settings.DEVELOPMENT_ROUTES:
        return "seed_demo works only with settings.development: it adds people who don't exist."
    if is_removal:
        return ""
    if settings.EMAIL_PROVIDER != "console" or settings.EMAIL_DELIVERY_BACKEND:
        return (
            "Set EMAIL_PROVIDER=console first, and restart bin/dev. Billing reminds demo people of their payments, and "
            "a real provider would count every bounce."
        )
    if settings.STRIPE_SECRET_KEY:
        return (
            "Unset STRIPE_SECRET_KEY first, and restart bin/dev. The daily comparison would look for the made-up "
            "subscriptions at Stripe."
        )
    return ""
