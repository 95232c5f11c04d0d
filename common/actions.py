"""Actions that staff can take on a row, independent of the admin that offers them as buttons."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

RowT = TypeVar("RowT")


class ActionRefused(ValueError):
    """The row is unchanged. The message is shown to staff: why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Action(Generic[RowT]):
    """One button.

    ``perform`` changes the row or raises ``ActionRefused``. It returns the row to show next if that is another one,
    such as a copy. ``done`` is the sentence for the person and for the admin's log.
    """

    label: str
    done: str
    perform: Callable[[RowT], RowT | None]
