"""What keeps the project from starting, as findings: manage.py doctor needs settings, and they may refuse to load.

The settings stop at the first value that they can't parse. This module treats that variable as not set and loads them
again, until it knows every problem.
"""

import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper

from django.apps import apps

from common.findings import Finding, Level
from common.redaction import redact
from operations.doctor import variables
from operations.doctor.checks import one_line
from operations.doctor.presentation import as_json, as_text
from settings.environment import BASE_DIR, Env
from settings.examples import meaning_of
from settings.refusals import Refused, split_advice
from settings.startup import sentence_for
from settings.variables import Variables

CHECK = "settings.load"
MOST_RELOADS = 100
NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\bDEBUG\b|\bPORT\b")
CHOOSE_SETTINGS = "Set it to settings.production on a server, and to settings.development on your own machine."
SEE_TRACEBACK = "Run python manage.py check --traceback to see where."


@contextmanager
def diagnosed(arguments: Sequence[str]) -> Iterator[None]:
    """Let ``manage.py doctor`` report why the project doesn't start, and exit with 1. Other commands just fail."""
    is_doctor = arguments[1:2] == ["doctor"]
    if is_doctor and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # values may contain what the terminal's encoding lacks
    try:
        yield
    except Exception as error:
        if not is_doctor or apps.ready:
            raise
        report(error, arguments)
        sys.exit(1)


def report(error: Exception, arguments: Sequence[str]) -> None:
    found = [*findings(error)]
    known = [*Variables()]
    found += [finding for finding in variables.findings(known) if finding.level != Level.OK]
    environment = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if "--json" in arguments:
        print(as_json(environment, known, found))
        return
    is_verbose = not {"--verbose", "-v2", "--verbosity=2"}.isdisjoint(arguments)
    for line in as_text(environment, known, found, is_verbose=is_verbose, has_colors=sys.stdout.isatty()):
        print(line)


def findings(error: Exception) -> Iterator[Finding]:
    """Yield each problem once, in one line that says what to do."""
    for _ in range(MOST_RELOADS):
        problems = error.problems if isinstance(error, Refused) else [problem_of(error)]
        for problem, fix in problems:
            names = NAME.findall(problem)
            # Without its value, a variable that was refused is not set. That follows from the first problem.
            if not Env.ignored.intersection(names):
                yield finding(problem, fix, names)
        if not isinstance(error, Refused) or not error.variable or error.variable in Env.ignored:
            return
        Env.ignored.add(error.variable)
        if (found := error_of_reload()) is None:
            return
        error = found


def finding(problem: str, fix: str, names: Sequence[str]) -> Finding:
    subject = names[0] if names else ""
    meaning = meaning_of(subject)
    advice = fix or (f"Set it to {meaning[:1].lower()}{meaning[1:]}" if meaning else SEE_TRACEBACK)
    return Finding(CHECK, Level.ERROR, subject, one_line(f"{problem.rstrip('.')}."), one_line(sentence(advice)))


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", '"', ")")) else ".")


def problem_of(error: Exception) -> tuple[str, str]:
    """Return what is wrong, and what to do, for an error of any kind."""
    if explanation := sentence_for(error):
        return split_advice(explanation.removeprefix("Error: "))
    if isinstance(error, ModuleNotFoundError) and str(error.name).startswith("settings."):
        return f"DJANGO_SETTINGS_MODULE names {error.name}, which doesn't exist", CHOOSE_SETTINGS
    if isinstance(error, SyntaxError):
        file = os.path.relpath(error.filename or "", BASE_DIR)
        return f"{file}, line {error.lineno}, has a syntax error: {error.msg}", "Correct the line."
    return f"The project can't be loaded: {type(error).__name__}: {redact(str(error))}", SEE_TRACEBACK


def error_of_reload() -> Exception | None:
    """Load the settings again, without the variables that are ignored, and return what they refuse this time."""
    module = os.environ.get("DJANGO_SETTINGS_MODULE", "settings.development")
    for name in {module, "settings.base", "settings.development", "settings.production", "settings.test"}:
        sys.modules.pop(name, None)
    try:
        importlib.import_module(module)
    except Exception as error:  # whatever it is, it becomes a finding
        return error
    return None
