"""Turns what prevents a start into a sentence or two. A traceback would say less, and hide what to do.

`--traceback` shows the traceback as well, as it does for Django's own errors.
"""

import errno
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.utils import DatabaseError, OperationalError

from settings.environment import Env, source_of

SQLITE_MESSAGES = {
    "unable to open database file": "Its folder must exist and be writable.",
    "attempt to write a readonly database": "Make the file and its folder writable.",
    "database or disk is full": "Free some space.",
    "disk I/O error": "Check the disk, and that the file is not on a network drive.",
    "file is not a database": "Change DATABASE_URL, or move the file away.",
    "database disk image is malformed": "Restore the file from a backup, or delete it.",
}
OS_ERRORS = {
    errno.EACCES: "Make it accessible for the user who runs this command.",
    errno.EPERM: "Make it accessible for the user who runs this command.",
    errno.EROFS: "Use another folder, or mount it writable.",
    errno.ENOSPC: "Free some space.",
    errno.EDQUOT: "Free some space.",
    errno.EEXIST: "A file is where a folder must be. Move or delete it.",
    errno.ENOTDIR: "A file is where a folder must be. Move or delete it.",
}
ABOUT_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # whichever file it is
MISSING_TABLE = re.compile(r'no such (?:table|column): [\w."]+|(?:relation|column) "?[\w.]+"? .*does not exist')
MISSING_TABLE_STATES = ("42P01", "42703")
# By the class of PostgreSQL's SQLSTATE, or by its text if the connection was refused before there was one.
POSTGRES_ADVICE = (
    (r"password authentication failed|no password supplied", "Check the user and the password in DATABASE_URL."),
    (r"database .* does not exist", "Create it (createdb), or change the name in DATABASE_URL."),
    (r"role .* does not exist", "Create it (createuser), or change the user in DATABASE_URL."),
    (r"resolve|Name or service|nodename|translate host name", "Check the host in DATABASE_URL."),
    (r"too many (clients|connections)", "Stop other programs that use it, or raise max_connections."),
    (r"SSL|certificate|no encryption", "Check the parameter sslmode in DATABASE_URL."),
    (r"", "Start PostgreSQL, or change DATABASE_URL."),
)
CONNECTION_STATES = ("08", "28", "3D", "53", "57P0")


@contextmanager
def explained(*, traceback: bool = False) -> Iterator[None]:
    """Exit with status 1 and a sentence if the block fails for a reason that the owner can change."""
    threading.excepthook = explain_in_thread  # runserver checks the database in a thread
    try:
        yield
    except Exception as error:
        if traceback or not (sentence := sentence_for(error)):
            raise
        sys.exit(sentence)


def explain_in_thread(arguments: threading.ExceptHookArgs) -> None:
    error = arguments.exc_value
    if error is None or "--traceback" in sys.argv or not (sentence := sentence_for(error)):
        threading.__excepthook__(arguments)
        return
    print(sentence, file=sys.stderr, flush=True)
    # sys.exit() would end only this thread.
    os._exit(1)


def exit_if_unusable() -> None:
    """Load the settings. If they refuse to load, exit with their sentence."""
    from django.conf import settings  # noqa: PLC0415 (DJANGO_SETTINGS_MODULE is set only now)

    with explained():
        _ = settings.INSTALLED_APPS


def sentence_for(error: BaseException) -> str:
    """Return what went wrong and what to do, or an empty string if only a traceback can help."""
    if isinstance(error, ImproperlyConfigured):
        return f"Error: {error}"
    if isinstance(error, DatabaseError):
        return database_sentence(error)
    if isinstance(error, InconsistentMigrationHistory):
        return f"Error: the database doesn't fit this version of the code: {error} Use another database."
    if isinstance(error, OSError) and error.errno in OS_ERRORS and (error.filename or error.errno in ABOUT_DISK):
        file = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return f"Error: {file}{error.strerror}. {OS_ERRORS[error.errno]}"
    return ""


def database_sentence(error: DatabaseError) -> str:
    """Return a sentence if the database can't be reached or isn't migrated, and otherwise an empty string."""
    text = " ".join(str(error).split())
    state = str(getattr(error.__cause__, "sqlstate", None) or "")
    if MISSING_TABLE.search(text) or state in MISSING_TABLE_STATES:
        return f"Error: the database isn't migrated: {first_sentence(text)}. Run bin/manage migrate."
    for words, advice in SQLITE_MESSAGES.items():
        if words in text:
            return f"Error: the database{variable()} can't be used: {words}. {advice}"
    is_postgres = type(error.__cause__).__module__.startswith("psycopg")
    # Without a state, the server was never reached, or it refused the connection.
    is_about_connection = state.startswith(CONNECTION_STATES) if state else isinstance(error, OperationalError)
    if not (is_postgres and is_about_connection):
        return ""
    advice = next(advice for words, advice in POSTGRES_ADVICE if re.search(words, text))
    return f"Error: the database{variable()} doesn't accept the connection: {first_sentence(text)}. {advice}"


def variable() -> str:
    if "DATABASE_URL" not in Env.ENVIRON:
        return ""
    return f" of DATABASE_URL (in {source_of('DATABASE_URL').rstrip(',')})"


def first_sentence(text: str) -> str:
    """Return the reason without psycopg's preamble, advice, and list of attempts."""
    text = re.split(r" Is the server running| Multiple connection attempts| LINE 1:| HINT:", text)[0]
    text = text.removeprefix("connection failed: ").replace("FATAL: ", "")
    return text.rstrip(". ")
