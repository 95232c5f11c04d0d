"""Failures of the database that pass on their own: which errors show one, and the error that requests end with."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum

from django.db import Error, InterfaceError, OperationalError, ProgrammingError, connections
from django.utils.translation import gettext_lazy as _

from common.errors import ApplicationError, Category

logger = logging.getLogger(__name__)


class Trouble(Enum):
    """Why the database failed, if the same request may succeed later. The value is how long a client should wait."""

    OUTAGE = timedelta(seconds=10)  # it can't be reached, is starting or stopping, is full, or takes no changes
    CONFLICT = timedelta(seconds=1)  # another transaction was in the way, or it took too long


# By the beginning of the SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
POSTGRES_STATES = {
    "08": Trouble.OUTAGE,  # connections, also those of a pooler
    "25006": Trouble.OUTAGE,  # read-only, because another server has become the primary one
    "25P03": Trouble.OUTAGE,  # it ended the connection
    "25P04": Trouble.CONFLICT,  # transaction_timeout
    "40": Trouble.CONFLICT,  # serialization failure, deadlock
    "53": Trouble.OUTAGE,  # too many connections, disk or memory full
    "55P03": Trouble.CONFLICT,  # lock_timeout
    "57014": Trouble.CONFLICT,  # statement_timeout
    "57P": Trouble.OUTAGE,  # starting up, shutting down, recovering from a crash
    "58": Trouble.OUTAGE,  # its disk
}
# By the primary result code: https://www.sqlite.org/rescode.html
SQLITE_CODES = {
    5: Trouble.CONFLICT,  # SQLITE_BUSY: database is locked
    6: Trouble.CONFLICT,  # SQLITE_LOCKED
    7: Trouble.OUTAGE,  # SQLITE_NOMEM
    8: Trouble.OUTAGE,  # SQLITE_READONLY
    10: Trouble.OUTAGE,  # SQLITE_IOERR
    13: Trouble.OUTAGE,  # SQLITE_FULL
    14: Trouble.OUTAGE,  # SQLITE_CANTOPEN
    15: Trouble.OUTAGE,  # SQLITE_PROTOCOL
}
PRIMARY_CODE = 0xFF
MAX_CAUSES = 10
# Django's words, which have no cause, if code in a transaction goes on after its connection was lost.
CONNECTION_WAS_LOST = "Cannot open a new connection in an atomic block."
QUIET_FOR = timedelta(minutes=1)


class DatabaseUnavailable(ApplicationError):
    """The database can't process the request now. After a lost COMMIT, nobody knows whether it already did."""

    category = Category.UNAVAILABLE
    code = "database_unavailable"
    default_message = _("We can't reach our database right now. Please try again in a few seconds.")


def trouble_of(error: BaseException | None) -> Trouble | None:
    """Return what is wrong with the database, or None if the error has another reason, such as a mistake in our code.

    Also looks at the causes of the error: Django's own error after a failed statement in a transaction has one.
    """
    return next((trouble for cause in causes_of(error) if (trouble := _trouble_in(cause))), None)


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    for _number in range(MAX_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__


def _trouble_in(error: BaseException) -> Trouble | None:
    """Judge one of Django's database errors by the driver's error that caused it."""
    if not isinstance(error, Error):
        return None
    if isinstance(error, ProgrammingError) and str(error) == CONNECTION_WAS_LOST:
        return Trouble.OUTAGE
    driver_error = error.__cause__
    if type(driver_error).__module__ == "sqlite3":
        return SQLITE_CODES.get(getattr(driver_error, "sqlite_errorcode", 0) & PRIMARY_CODE)
    if state := getattr(driver_error, "sqlstate", None):
        return next((trouble for prefix, trouble in POSTGRES_STATES.items() if state.startswith(prefix)), None)
    # Without a state, the driver didn't get through to the server, or had no free connection in its pool.
    return Trouble.OUTAGE if isinstance(error, OperationalError | InterfaceError) else None


def unavailable(error: BaseException | None) -> DatabaseUnavailable | None:
    """Return the error that a request ends with, or None if the database isn't the reason. Also logs it."""
    trouble = trouble_of(error)
    if trouble is None:
        return None
    report(error, trouble)
    if trouble is Trouble.OUTAGE:
        drop_connections()
    return DatabaseUnavailable(retry_after=trouble.value)


def drop_connections() -> None:
    """Close this thread's connections. One to a server that takes no more changes would otherwise stay in use."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


class Silence:
    """Whether something happens for the first time in a while. Happening again starts the while again."""

    def __init__(self, length: timedelta) -> None:
        self._length = length.total_seconds()
        self._lock = threading.Lock()
        self._ends_at = 0.0

    def is_broken(self) -> bool:
        """Note that it happens now, and return whether it is the first time."""
        now = time.monotonic()
        with self._lock:
            is_first = now >= self._ends_at
            self._ends_at = now + self._length
        return is_first


silence = Silence(QUIET_FOR)


def report(error: BaseException | None, trouble: Trouble) -> None:
    """Log an outage once per process, with its traceback, and each request that it ends as one line."""
    if trouble is Trouble.CONFLICT:
        logger.error("The database gave up on a transaction, so its request got a 503.", exc_info=error)
    elif silence.is_broken():
        logger.error("The database is unavailable. Requests that need it get a 503 until it is back.", exc_info=error)
    else:
        logger.warning("The database is still unavailable (%s).", type(error).__name__)
