"""JSON as the standard defines it: Python's own reader also accepts NaN and Infinity, which PostgreSQL refuses."""

import json
from collections.abc import Callable
from typing import Any, NoReturn


class InvalidJSON(ValueError):
    """A constant that Python reads as JSON and the standard doesn't allow."""


def loads(text: str | bytes, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Return the value in ``text``, as ``json.loads`` does.

    Raises ``ValueError`` for everything that isn't JSON (``InvalidJSON`` for NaN and Infinity), and ``RecursionError``
    for values that are nested too deeply.
    """
    return json.loads(text, object_pairs_hook=object_pairs_hook, parse_constant=_refuse_constant)


def _refuse_constant(constant: str) -> NoReturn:
    raise InvalidJSON(f"{constant} is not a JSON value")
