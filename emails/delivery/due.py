"""Which priorities have work that is due. Delivery asks before each claim and each call, so the queries are by hand."""

from typing import NamedTuple

from django.db import connection

from common.db import NOW, first_row_by_index
from emails.models import Priority

EMAIL = "SELECT 1 FROM emails_outboundemail WHERE isolated IN ({isolated}) AND priority = {priority} AND {is_due}"
CHANGE = "SELECT 1 FROM emails_contactchange WHERE isolated IN ({isolated}) AND {is_due}"
UNKNOWN_ATTEMPT = "SELECT 1 FROM emails_deliveryattempt WHERE priority = {priority} AND {is_due}"


class Due(NamedTuple):
    """The priorities among due rows. Isolated rows, whose worker died, must be claimed alone."""

    together: set[Priority]
    alone: set[Priority]


def due_emails() -> Due:
    """Return the priorities of due emails, at the cost of one round trip to the database."""
    together = [exists(EMAIL, isolated="false", priority=priority) for priority in Priority]
    alone = [exists(EMAIL, isolated="true", priority=priority) for priority in Priority]
    found = first_row_by_index(f"SELECT {', '.join(together + alone)}")
    return Due(chosen(found[: len(Priority)]), chosen(found[len(Priority) :]))


def due_changes() -> Due:
    """Return the same for contact changes, which all have normal priority."""
    together, alone = first_row_by_index(
        f"SELECT {exists(CHANGE, isolated='false')}, {exists(CHANGE, isolated='true')}"
    )
    return Due({Priority.NORMAL} if together else set(), {Priority.NORMAL} if alone else set())


def is_waited_for() -> bool:
    """Return whether anything is due that a person is waiting for: an email, or the repeat of its call."""
    email = exists(EMAIL, isolated="false", priority=Priority.WAITING)
    (is_due,) = first_row_by_index(f"SELECT {email} OR {exists(UNKNOWN_ATTEMPT, priority=Priority.WAITING)}")
    return bool(is_due)


def exists(query: str, **values: object) -> str:
    is_due = f"due_at <= ({NOW[connection.vendor]}) AND lease_token IS NULL"
    return f"EXISTS ({query.format(is_due=is_due, **values)})"


def chosen(found: tuple[bool, ...]) -> set[Priority]:
    return {priority for priority, is_due in zip(Priority, found, strict=True) if is_due}
