"""Compares the prices in settings/plans.py with those at Stripe, and names each difference."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.errors import BillingError
from billing.services.price_comparison import all_offers, problems_at_stripe


class Command(BaseCommand):
    help = (
        "Ask Stripe for every price in settings/plans.py, in the mode of STRIPE_SECRET_KEY, and name each one that is "
        "unknown, archived, or different. Run it before you deploy new prices."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            problems = list(problems_at_stripe())
        except BillingError as error:
            raise CommandError(f"Stripe couldn't be asked. {error}") from None
        for problem in problems:
            self.stderr.write(self.style.ERROR(problem))
        if problems:
            raise CommandError(f"{len(problems)} problem(s) found.")
        count = sum(len(offer.price_ids) for offer in all_offers())
        self.stdout.write(self.style.SUCCESS(f"All {count} prices are as settings/plans.py says."))
