"""`python manage.py lint_emails [KIND …]` prints what is wrong with the templates of emails."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from emails import lint, samples


class Command(BaseCommand):
    help = (
        "Check every kind of email in every language with every sample. Exits with 1 if there are errors or warnings."
    )
    requires_system_checks: list[str] = []  # the lint names the same problems, with their lines

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", nargs="*", help="check only these kinds [default: all]")

    def handle(self, *_: Any, **options: Any) -> None:
        kinds = options["kind"] or [*samples.folders()]
        if unknown := [kind for kind in kinds if kind not in samples.folders()]:
            raise CommandError(f"There is no kind {unknown[0]!r}. The kinds are: {', '.join(samples.folders())}.")
        where: dict[lint.Finding, list[str]] = {}
        for kind, language, scenario, finding in lint.lint_everything():
            if kind in kinds:
                name = f"{kind} {language}" + (f" “{scenario}”" if scenario != samples.ONLY_SCENARIO else "")
                where.setdefault(finding, []).append(name)
        for finding, emails in sorted(where.items()):
            more = f", and {len(emails) - 1} more" if len(emails) > 1 else ""
            self.stdout.write(f"{finding} ({emails[0]}{more})")
        if where:
            raise CommandError(f"{len(where)} finding{'s' * (len(where) > 1)}.")
        self.stdout.write(f"No findings in {len(kinds)} kinds.")
