"""The sample contexts of each kind of email: templates/emails/<kind>/sample.json.

The file is the context of a typical email. With ``scenarios``, it describes several: each is a set of variables that
replaces some of the others, and the first one is the default::

    {"name": "Ada", "plan": "Pro", "scenarios": {"with a name": {}, "without a name": {"name": ""}}}
"""

import json
import re
from datetime import date, datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import SimpleLazyObject

from common.money import Amount
from emails.errors import EmailsError
from emails.folders import PARTS as PARTS
from emails.folders import folders as folders
from emails.folders import unknown_kind
from emails.rendering import RenderedEmail, render_email

SAMPLE = "sample.json"
SCENARIOS = "scenarios"
ONLY_SCENARIO = "sample"  # the name of the scenario if the file doesn't name any
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")  # becomes a datetime, as in real emails
DAY = re.compile(r"\d{4}-\d\d-\d\d")
AMOUNT = re.compile(r"(-?\d+)\.(\d\d) ([A-Z]{3})")  # 29.00 USD becomes an Amount, as in real emails


class SampleError(EmailsError, ValueError):
    """A missing or unusable sample.json."""


def scenarios(kind: str) -> dict[str, dict[str, Any]]:
    """Return the context of each scenario by its name. Raises ``SampleError`` for an unknown kind or a bad sample."""
    return {name: in_an_email(variables) for name, variables in written_scenarios(kind).items()}


def written_scenarios(kind: str) -> dict[str, dict[str, Any]]:
    """Return the variables of each scenario as JSON types. Raises ``SampleError``."""
    name, sample = file_of(kind), read(kind)
    named = sample.pop(SCENARIOS, None)
    if named is None:
        return {ONLY_SCENARIO: sample}
    if not isinstance(named, dict) or not named or not all(isinstance(value, dict) for value in named.values()):
        raise SampleError(f"{name}: {SCENARIOS} must be an object that maps each scenario's name to its variables.")
    return {scenario: {**sample, **changes} for scenario, changes in named.items()}


def sample_context(kind: str, scenario: str | None = None) -> dict[str, Any]:
    """Return the context of a scenario, by default the first one. Raises ``SampleError``."""
    found = scenarios(kind)
    if scenario is None:
        return next(iter(found.values()))
    if scenario not in found:
        raise SampleError(f"{file_of(kind)} has no scenario {scenario!r}. The scenarios are: {', '.join(found)}.")
    return found[scenario]


def render_sample(kind: str, language: str | None = None, scenario: str | None = None) -> RenderedEmail:
    return render_email(kind, sample_context(kind, scenario), language)


def read(kind: str) -> dict[str, Any]:
    """Return the content of the file. Raises ``SampleError`` unless it is a JSON object."""
    folder, name = folders().get(kind), file_of(kind)
    if folder is None:
        raise SampleError(unknown_kind(kind))
    try:
        sample = json.loads((folder / SAMPLE).read_text("utf-8"), object_pairs_hook=without_repeats)
    except FileNotFoundError:
        raise SampleError(f"{name} is missing. Write the context of a typical email to it, as JSON.") from None
    except json.JSONDecodeError as error:
        raise SampleError(f"{name} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except ValueError as error:
        raise SampleError(f"{name} is not JSON: {error}.") from None
    if not isinstance(sample, dict):
        raise SampleError(f"{name} must contain a JSON object: the context of a typical email.")
    return sample


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs of a JSON object. Raises ``ValueError`` for a repeated name, which JSON would drop silently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it names {next(name for name in names if names.count(name) > 1)!r} twice")
    return found


def file_of(kind: str) -> str:
    return f"templates/emails/{kind}/{SAMPLE}"


def in_an_email(context: dict[str, Any]) -> dict[str, Any]:
    return {name: as_in_an_email(value) for name, value in context.items()}


def as_in_an_email(value: Any) -> Any:
    """Return the value with lazy dates and amounts, which are formatted in the language of the rendered email."""
    if isinstance(value, list):
        return [as_in_an_email(item) for item in value]
    if isinstance(value, dict):
        return in_an_email(value)
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and DAY.fullmatch(value):
        return SimpleLazyObject(lambda: date_format(date.fromisoformat(value), "DATE_FORMAT"))
    if isinstance(value, str) and (amount := AMOUNT.fullmatch(value)):
        return Amount(int(amount[1] + amount[2]), amount[3].lower())
    return value
