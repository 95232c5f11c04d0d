"""`bin/manage new_email KIND`: adds a kind of email with its templates, its function, and its tests."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import NoReverseMatch, reverse

from emails.management.new_kind import NewKind, NewKindError, add, new_kind, shown


class Command(BaseCommand):
    help = "Add a kind of email: its templates with a sample, a function that sends it, and a test."
    # A project in which another email can't be rendered must be able to get a new one.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", help="the name of its folder under templates/emails/, such as project_shared")
        parser.add_argument("--app", default="accounts", help="the app that sends it, from its mail.py [accounts]")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            kind = new_kind(options["kind"], options["app"])
            add(kind)
        except NewKindError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(report(kind))


def report(kind: NewKind) -> str:
    lines = [
        f"Added the email {kind.name}:",
        f"  {shown(kind.folder)}/: subject, text, HTML, and a sample",
        f"  {shown(kind.mail)}: {kind.function}()",
        f"  {shown(kind.test)}: a test",
    ]
    if kind.golden_files:
        lines.append(
            f"  {shown(kind.golden_files[0].parent)}/{kind.name}.*: the email as tests/test_mail_texts.py expects it"
        )
    if url := preview_url(kind.name):
        lines.append(f"Look at it while bin/dev runs: {url}")
    return "\n".join([*lines, "Next, write the texts: see docs/adding-an-email.md."])


def preview_url(kind: str) -> str:
    """Return the address of the kind in the gallery, or an empty string without development routes."""
    for route, arguments in (("development:kind", [kind]), ("development:gallery", [])):
        try:
            return settings.APP_URL + reverse(route, args=arguments)
        except NoReverseMatch:
            continue
    return ""
