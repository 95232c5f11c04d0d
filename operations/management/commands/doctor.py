"""`python manage.py doctor`: shows every variable and what is wrong with this installation, and exits with 1 if so.

If the settings don't load, this command doesn't run. settings/diagnosis.py then prints the same kind of report.
"""

import logging
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from common.findings import Level
from operations.doctor.examination import examine
from operations.doctor.presentation import as_json, as_text, status_of


class Command(BaseCommand):
    help = "Show every variable, where its value comes from, and what is wrong with this installation."
    requires_system_checks = []  # they are among its own

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dns", action="store_true", help="also check the sending domain in DNS and at the provider"
        )
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")
        parser.add_argument("--verbose", action="store_true", help="also show what is fine, and all defaults")

    def handle(self, *_: Any, **options: Any) -> None:
        logging.disable(logging.CRITICAL)  # the findings say the same
        try:
            findings = examine(with_dns=options["dns"])
        finally:
            logging.disable(logging.NOTSET)
        environment, variables = os.environ.get("DJANGO_SETTINGS_MODULE", ""), [*settings.VARIABLES]
        if options["json"]:
            self.stdout.write(as_json(environment, variables, findings))
        else:
            is_verbose = options["verbose"] or options["verbosity"] > 1
            has_colors = self.stdout.isatty() and not options["no_color"]
            for line in as_text(environment, variables, findings, is_verbose=is_verbose, has_colors=has_colors):
                self.stdout.write(line)
        if status_of(findings) == Level.ERROR:
            self.stdout.flush()
            sys.exit(1)
