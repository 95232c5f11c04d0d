"""Log lines that a stranger can neither forge nor multiply."""

import logging
import time
import traceback
from collections import Counter
from datetime import timedelta
from typing import Final

MAX_MESSAGE_CHARACTERS = 1000
WINDOW = timedelta(minutes=1)

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
    escaped, and both are shortened.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, followed by the traceback. Ignores ``exc_text``, in which nothing is escaped."""
        record.message = shorten(escape(record.getMessage()))
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        parts = [self.formatMessage(record)]
        if record.exc_info and record.exc_info[1]:
            parts.append(format_traceback(record.exc_info[1]))
        if record.stack_info:
            parts.append(self.formatStack(record.stack_info))
        return "\n".join(parts)


def format_traceback(error: BaseException) -> str:
    found = traceback.TracebackException.from_exception(error)
    _escape_messages(found)
    return "".join(found.format()).rstrip("\n")


def _escape_messages(found: traceback.TracebackException | None) -> None:
    """Escape the texts of an exception, of its causes, and of the members of a group, but not the frames."""
    if found is None:
        return
    # The standard library has no public attribute for the text of an exception.
    vars(found)["_str"] = shorten(escape(str(found)))
    found.__notes__ = [shorten(escape(str(note))) for note in found.__notes__ or []]
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
