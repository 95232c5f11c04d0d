"""Log lines that a stranger can neither forge nor multiply, without addresses, bodies, keys, and tokens."""

import json
import logging
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from common.log_context import ORIGIN, current_ids
from common.redaction import cleaned, without_bodies

MAX_MESSAGE_CHARACTERS = 1000
MAX_EXAMINED_CHARACTERS = 4 * MAX_MESSAGE_CHARACTERS  # so that a secret at the end isn't cut before it is recognized
WINDOW = timedelta(minutes=1)
# Attributes of a record, given as ``extra``, that become fields of its JSON line.
OWN_FIELDS = ("message_id", "message_ids", "attempt_id", "request_ids")

Kind = tuple[object, ...]


def escape(text: str) -> str:
    r"""Return the text on one line: every invisible character except the space becomes \n, \x1b, \u2028, …"""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shorten(text: str, limit: int = MAX_MESSAGE_CHARACTERS) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"


class LineFormatter(logging.Formatter):
    """Formats each record as one line. Only tracebacks have more, and none of those contains text from an exception.

    A client may choose parts of a message or of an exception's text, so line breaks and control characters in them are
    escaped, and both are shortened. Both may quote what a person sent, so addresses, keys, and tokens are removed.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, followed by the traceback. Ignores ``exc_text``, in which nothing is escaped."""
        record.message = self.message_of(record)
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        parts = [self.formatMessage(record)]
        if record.exc_info and record.exc_info[1]:
            parts.append(format_traceback(record.exc_info[1]))
        if record.stack_info:
            parts.append(self.formatStack(record.stack_info))
        return "\n".join(parts)

    def message_of(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        # Celery's message repeats the text of the exception.
        return presentable(without_bodies(text) if record.exc_info else text)


class JsonFormatter(LineFormatter):
    """Formats each record as one JSON object on one line: docs/observability.md lists the fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.message_of(record),
            **self.fields_of(record),
        }
        if record.exc_info and record.exc_info[1]:
            line["exception"] = format_traceback(record.exc_info[1])
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line)  # ASCII, so no character of a line can be invisible

    def fields_of(self, record: logging.LogRecord) -> Mapping[str, Any]:
        return ids_of(record)


def presentable(text: str) -> str:
    """Return the text on one line, of limited length, and without what must not be in a log."""
    return shorten(escape(cleaned(shorten(text, MAX_EXAMINED_CHARACTERS))))


def ids_of(record: logging.LogRecord) -> Mapping[str, Any]:
    """Return the IDs that connect this line with others: those of the context, of its email, and its own."""
    ids: dict[str, Any] = {**current_ids()}
    attributes = vars(record)
    # Django logs the status of a response after all middleware.
    if "request_id" not in ids and (request_id := getattr(attributes.get("request"), "META", {}).get("request_id")):
        ids["request_id"] = request_id
    if "email" in attributes:
        ids |= ids_of_email(vars(attributes["email"]), ids)
    ids |= {name: attributes[name] for name in OWN_FIELDS if name in attributes}
    return ids


def ids_of_email(columns: Mapping[str, Any], ids: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the email's ID, and the IDs of what queued it. Reads only columns that are loaded."""
    yield ("message_id" if "recipients" in columns else "contact_change_id"), str(columns.get("id"))
    for name, value in (columns.get("metadata") or {}).get(ORIGIN, {}).items():
        # A provider's event comes in a request of its own.
        yield (name if ids.get(name, value) == value else f"origin_{name}"), value


def format_traceback(error: BaseException) -> str:
    found = traceback.TracebackException.from_exception(error)
    _escape_messages(found)
    return "".join(found.format()).rstrip("\n")


def _escape_messages(found: traceback.TracebackException | None) -> None:
    """Escape the texts of an exception, of its causes, and of the members of a group, but not the frames."""
    if found is None:
        return
    # The standard library has no public attribute for the text of an exception.
    vars(found)["_str"] = presentable(without_bodies(str(found)))
    found.__notes__ = [presentable(without_bodies(str(note))) for note in found.__notes__ or []]
    for other in (found.__cause__, found.__context__, *(found.exceptions or [])):
        _escape_messages(other)


class FloodFilter(logging.Filter):
    """Lets through a few warnings and errors of each kind per minute, and says how many it left out.

    A kind is a line of code, with the logger, the HTTP status, and the class of the exception. It doesn't depend on
    anything that a client sends, so a flood can't consist of many kinds. The count is per process.
    """

    def __init__(self, lines_per_minute: int) -> None:
        super().__init__()
        self._limit: Final = lines_per_minute
        self._window = 0
        self._seen: Counter[Kind] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        self._start_window(int(time.time() // WINDOW.total_seconds()), record)
        kind = kind_of(record)
        self._seen[kind] += 1
        return self._seen[kind] <= self._limit

    def _start_window(self, window: int, record: logging.LogRecord) -> None:
        """If a new minute has begun, add to the record how many lines the last one left out."""
        if window == self._window:
            return
        left_out = {kind: count - self._limit for kind, count in self._seen.items() if count > self._limit}
        self._window, self._seen = window, Counter()
        if left_out:
            counts = ", ".join(f"{count} of {kind[0]}" for kind, count in left_out.items())
            record.msg = f"{record.getMessage()} [Left out earlier: {counts}]"
            record.args = ()


def kind_of(record: logging.LogRecord) -> Kind:
    error_class = record.exc_info[0] if record.exc_info else None
    return record.name, record.pathname, record.lineno, getattr(record, "status_code", None), error_class


class ClientErrorFilter(logging.Filter):
    """Turns what Django logs about a request that it refused into a warning without a traceback.

    Django reports a wrong Host header or too many fields as an error with a traceback. Anybody can send these, and
    nobody needs to act on them.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if is_refusal(record):
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True


def is_refusal(record: logging.LogRecord) -> bool:
    status = getattr(record, "status_code", None)
    is_about_request = record.name == "django.request" or record.name.startswith("django.security")
    return is_about_request and isinstance(status, int) and 400 <= status < 500
