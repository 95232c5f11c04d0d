"""Runs Django's tests of its email API, first alone and then through the outbox, and prints the figures."""

import difflib
import importlib
import logging
import sys
import unittest
import warnings
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.test import override_settings
from django.test.utils import setup_test_environment

from emails.tests.support.smtp_server import SmtpServer
from tests.django_mail.differences import EXPECTED
from tests.django_mail.outbox_class import flat, outbox_tests
from tests.django_mail.source import SourceNotFound, tests_folder
from tests.django_mail.trip import Trip

# Django's own tests expect Django's defaults.
SETTINGS: dict[str, Any] = {
    "ADMINS": [],
    "MANAGERS": [],
    "DEFAULT_FROM_EMAIL": "webmaster@localhost",
    "SERVER_EMAIL": "root@localhost",
    "EMAIL_SUBJECT_PREFIX": "[Django] ",
    "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
    "EMAIL_DELIVERY_BACKEND": "",
    "EMAIL_PROVIDER": "smtp",
    "EMAIL_HOST": "127.0.0.1",
    "EMAIL_HOST_USER": "",
    "EMAIL_HOST_PASSWORD": "",
    "EMAIL_TIMEOUT": None,
}


class Result(unittest.TestResult):
    """Passes the running test on to the trip, and collects the tests that didn't pass."""

    def __init__(self, trip: Trip) -> None:
        super().__init__()
        self.trip = trip

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802  # the name that unittest calls
        super().startTest(test)
        self.trip.test = test.id()

    @property
    def failed(self) -> dict[str, str]:
        return {test.id(): text for test, text in (*self.failures, *self.errors)}


def main() -> int:
    """Return the exit status: 1 if anything differs that differences.py doesn't name, 2 without Django's source."""
    try:
        folder = tests_folder()
    except SourceNotFound as error:
        print(error, file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    logging.getLogger("emails").setLevel(logging.ERROR)
    sys.path.insert(0, str(folder))
    call_command("migrate", verbosity=0)
    setup_test_environment()
    with SmtpServer() as smtp, override_settings(EMAIL_PORT=smtp.port, **SETTINGS):
        return report(*run(folder, smtp))


def run(folder: Path, smtp: SmtpServer) -> tuple[dict[str, str], Result]:
    """Return the tests that fail without the outbox on this machine, and the result with it."""
    modules = [importlib.import_module(f"mail.{file.stem}") for file in sorted((folder / "mail").glob("test*.py"))]
    trip = Trip(smtp)
    alone, result = Result(Trip(smtp)), Result(trip)
    suite_of(modules).run(alone)
    suite = suite_of(modules)
    if outbox_class := outbox_tests(modules, smtp):
        unittest.defaultTestLoader.loadTestsFromTestCase(outbox_class).run(result)
    with trip.installed():
        suite.run(result)
    return alone.failed, result


def suite_of(modules: list[Any]) -> unittest.TestSuite:
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromModule(module) for module in modules)
    for test in flat(suite):
        vars_of_class: Any = type(test)
        vars_of_class.databases = {"default"}  # their classes allow no queries
    return suite


def method_of(test: str) -> str:
    """Return the name of the method in the ID of a test. A subtest's ID goes on in parentheses."""
    return test.partition(" (")[0].rpartition(".")[2]


def report(failed_alone: dict[str, str], result: Result) -> int:
    """Print what was run and what differs. Returns the exit status."""
    failed = {name: text for name, text in result.failed.items() if name not in failed_alone}
    unexpected = {name: text for name, text in failed.items() if method_of(name) not in EXPECTED}
    changed = {name: pairs for name, pairs in result.trip.different.items() if method_of(name) not in EXPECTED}
    for name, text in unexpected.items():
        print(f"\n{name}\n{text}")
    for name, pairs in changed.items():
        for expected, actual in pairs:
            before, after = (data.decode(errors="replace").splitlines() for data in (expected, actual))
            print(
                f"\n{name}", *difflib.unified_diff(before, after, "Django alone", "arrived", n=0, lineterm=""), sep="\n"
            )
    passed = result.testsRun - len(result.skipped) - len({name.partition(" (")[0] for name in result.failed})
    print(f"\nDjango {django.__version__}: {result.testsRun} tests, {passed} passed, {len(result.skipped)} skipped")
    print(f"not passed without the outbox either: {len(failed_alone)}")
    print(f"not passed for a reason in docs/providers.md: {len(failed) - len(unexpected)}")
    print(f"not passed for another reason: {len(unexpected)}")
    print(f"messages that arrived byte for byte as Django alone sends them: {result.trip.same}")
    print(
        f"tests whose messages differ, for a reason in docs/providers.md: {len(result.trip.different) - len(changed)}"
    )
    print(f"tests whose messages differ for another reason: {len(changed)}")
    return 1 if unexpected or changed else 0
