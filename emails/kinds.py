"""What the folder of a kind says about it, in templates/emails/<kind>/kind.json. The file is optional.

``{"requested": true}``: the person asks for this email, or it protects their account (a reset link, a security notice).
It is sent even to somebody who reported an earlier email as spam.

``{"priority": "waiting"}``: the person looks at their inbox right now. ``"bulk"``: it can wait for all other email.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.template import engines

from emails.folders import KIND, TEXT_ENGINE
from emails.models import Priority

FILE = "kind.json"
REQUESTED = "requested"
PRIORITY = "priority"
PRIORITIES = {priority.name.lower(): priority for priority in Priority}


def is_requested(kind: str) -> bool:
    """Return whether people request this kind. An email without a kind, or of an unknown one, isn't requested."""
    return properties(kind).get(REQUESTED) is True


def priority_of(kind: str) -> Priority:
    """Return the priority of emails of this kind, normal by default. Raises ``ValueError`` for an unknown one."""
    name = properties(kind).get(PRIORITY, "normal")
    if name not in [*PRIORITIES]:  # a list, because JSON may contain a value that can't be hashed
        raise ValueError(f"templates/emails/{kind}/{FILE}: {unknown_priority(name)}")
    return PRIORITIES[name]


def unknown_priority(name: Any) -> str:
    return f"the priority {name!r} is not one of {', '.join(PRIORITIES)}."


def problems_with(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the file in the folder of a kind. Without a file, nothing is."""
    try:
        found = read(folder / FILE)
    except ValueError as error:
        yield str(error)
        return
    for key in found.keys() - {REQUESTED, PRIORITY}:
        yield f"{folder / FILE}: {key!r} is not one of {REQUESTED}, {PRIORITY}."
    if not isinstance(found.get(REQUESTED, False), bool):
        yield f"{folder / FILE}: {REQUESTED} must be true or false."
    if (name := found.get(PRIORITY, "normal")) not in [*PRIORITIES]:
        yield f"{folder / FILE}: {unknown_priority(name)}"


# Cached, because delivery asks for every email. A process notices a changed file when it restarts.
@cache
def properties(kind: str) -> dict[str, Any]:
    """Return the content of the kind's file. Raises ``ValueError`` if it isn't a JSON object."""
    if not KIND.fullmatch(kind):
        return {}
    for root in engines[TEXT_ENGINE].template_dirs:
        folder = Path(root) / "emails" / kind
        if folder.is_dir():
            return read(folder / FILE)
    return {}


def read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise ValueError(f"{file} must contain a JSON object.")
    return found
