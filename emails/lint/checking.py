"""Runs all rules."""

from collections.abc import Iterator
from dataclasses import replace

from django.conf import settings

from emails import kinds, samples
from emails.errors import BrokenTemplate, MissingVariable, UnknownKind
from emails.lint.email import LintedEmail, rendered_with_marks, sent_email
from emails.lint.findings import Finding, Place, error
from emails.lint.rules import RULES


def lint_kind(kind: str, language: str | None = None, scenario: str | None = None) -> list[Finding]:
    """Return what is wrong with a kind, rendered from one scenario of its sample in one language, by file and line."""
    try:
        context = samples.sample_context(kind, scenario)
        email = rendered_with_marks(kind, context, language)
    except MissingVariable as problem:
        place = Place(f"templates/{problem.template}", problem.line)
        return [error("undefined-variable", f"The variable {problem.name!r} isn't in {samples.file_of(kind)}.", place)]
    except BrokenTemplate as problem:
        return [error("template", problem.problem, Place(f"templates/{problem.template}", problem.line))]
    except samples.SampleError as problem:
        return [error("sample", str(problem), Place(samples.file_of(kind)))]
    except UnknownKind as problem:
        return [error("template", str(problem), Place(f"templates/emails/{kind}"))]
    except Exception as problem:  # templates, tags, and filters can raise anything
        return [error("template", f"{type(problem).__name__}: {problem}", place_of(problem, kind))]
    return run(replace(email, is_requested=kinds.is_requested(kind)))


def place_of(problem: Exception, kind: str) -> Place:
    """Return the line whose rendering raised the error, as Django recorded it."""
    template = getattr(problem, "template_debug", {})
    name = str(template.get("name", ""))
    file = f"templates/{name[name.rindex('emails/') :]}" if "emails/" in name else f"templates/emails/{kind}"
    return Place(file, int(template.get("line", 0)))


def lint_message(subject: str, text: str, html: str, *, is_tracked: bool = False) -> list[Finding]:
    """Return what is wrong with an email that was sent. The findings name no lines."""
    return run(sent_email(subject, text, html, is_tracked=is_tracked))


def run(email: LintedEmail) -> list[Finding]:
    """Return the findings of all rules, errors first, each once."""
    found = {finding for rule in RULES for finding in rule(email)}
    return sorted(found, key=lambda one: (one.level, one.place, one.rule, one.message))


def lint_everything() -> Iterator[tuple[str, str, str, Finding]]:
    """Yield kind, language, scenario, and finding, for all kinds in all languages with all scenarios."""
    for kind in samples.folders():
        try:
            scenarios = [*samples.scenarios(kind)]
        except samples.SampleError:
            scenarios = [samples.ONLY_SCENARIO]
        for language, _ in settings.LANGUAGES:
            for scenario in scenarios:
                for finding in lint_kind(kind, language, scenario if len(scenarios) > 1 else None):
                    yield kind, language, scenario, finding
