"""The kinds of email under templates/emails/, and the sample context of each."""

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.template import engines
from django.utils.formats import date_format
from django.utils.functional import SimpleLazyObject

from common.money import Amount
from emails.errors import EmailsError
from emails.rendering import KIND, TEXT_ENGINE, RenderedEmail, render_email

PARTS = ("subject.txt", "body.txt", "body.html")
SAMPLE = "sample.json"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")  # becomes a datetime, as in real emails
DAY = re.compile(r"\d{4}-\d\d-\d\d")
AMOUNT = re.compile(r"(-?\d+)\.(\d\d) ([A-Z]{3})")  # 29.00 USD becomes an Amount, as in real emails


class SampleError(EmailsError, ValueError):
    """A missing or unusable sample.json."""


def folders() -> dict[str, Path]:
    """Return the folder of each kind, sorted by name. If a kind has two folders, the one that Django finds first."""
    # Reversed, because in the dict the last one wins.
    roots = [Path(root) / "emails" for root in reversed(engines[TEXT_ENGINE].template_dirs)]
    found = {folder.name: folder for root in roots if root.is_dir() for folder in root.iterdir() if is_kind(folder)}
    return dict(sorted(found.items()))


def is_kind(folder: Path) -> bool:
    return folder.is_dir() and KIND.fullmatch(folder.name) is not None


def sample_context(kind: str) -> dict[str, Any]:
    """Return the context in sample.json. Raises ``SampleError`` for an unknown kind or an unusable sample."""
    name = f"templates/emails/{kind}/{SAMPLE}"
    folder = folders().get(kind)
    if folder is None:
        raise SampleError(f"There is no kind {kind!r}. The kinds are: {', '.join(folders()) or 'none yet'}.")
    try:
        context = json.loads((folder / SAMPLE).read_text("utf-8"))
    except FileNotFoundError:
        raise SampleError(f"{name} is missing. Write the context of a typical email to it, as JSON.") from None
    except ValueError as error:
        raise SampleError(f"{name} is not JSON: {error}.") from None
    if not isinstance(context, dict):
        raise SampleError(f"{name} must contain a JSON object: the context of a typical email.")
    return {name: as_in_an_email(value) for name, value in context.items()}


def as_in_an_email(value: Any) -> Any:
    """Return the value with lazy dates and amounts, which are formatted in the language of the rendered email."""
    if isinstance(value, list):
        return [as_in_an_email(item) for item in value]
    if isinstance(value, dict):
        return {name: as_in_an_email(item) for name, item in value.items()}
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and DAY.fullmatch(value):
        return SimpleLazyObject(lambda: date_format(date.fromisoformat(value), "DATE_FORMAT"))
    if isinstance(value, str) and (amount := AMOUNT.fullmatch(value)):
        return Amount(int(amount[1] + amount[2]), amount[3].lower())
    return value


def render_sample(kind: str, language: str | None = None) -> RenderedEmail:
    return render_email(kind, sample_context(kind), language)
