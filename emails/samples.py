"""The kinds of email under templates/emails/, and the sample context of each."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from django.template import engines

from emails.errors import EmailsError
from emails.rendering import KIND, TEXT_ENGINE, RenderedEmail, render_email

PARTS = ("subject.txt", "body.txt", "body.html")
SAMPLE = "sample.json"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")  # becomes a datetime, as in real emails


class SampleError(EmailsError, ValueError):
    """A missing or unusable sample.json."""


def folders() -> dict[str, Path]:
    """Return the folder of each kind, sorted by name. If a kind has two folders, the one that Django finds first."""
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
        raise SampleError(f"{name} is missing. Write the context of a typical mail into it, as JSON.") from None
    except ValueError as error:
        raise SampleError(f"{name} is not JSON: {error}.") from None
    if not isinstance(context, dict):
        raise SampleError(f"{name} must hold a JSON object: the context of a typical mail.")
    return {name: as_in_a_mail(value) for name, value in context.items()}


def as_in_a_mail(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) and MOMENT.fullmatch(value) else value


def render_sample(kind: str, language: str | None = None) -> RenderedEmail:
    return render_email(kind, sample_context(kind), language)
