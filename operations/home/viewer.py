"""What the person who looks at the page may see."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Model


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whether the person may see the admin's pages of a model, and use the actions on its rows."""

    may_view: Callable[[type[Model]], bool]
    may_operate: Callable[[type[Model]], bool]
