"""gunicorn's logs: the access log, and the warnings about requests that gunicorn itself refuses."""

import logging
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException

from common.logs import FloodFilter, JsonFormatter, LineFormatter, escape, presentable, shorten

IDS = ("request_id", "stripe_event_id")  # where the middleware and the view leave them, in request.META
MAX_FIELD_CHARACTERS = 500
LINES_PER_MINUTE = 20


class SafeLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Escapes every field that a client chooses, and logs no query string, because links in emails have tokens there.

    gunicorn's own logger prints the decoded path, so a request for /%0a… could write a line of its own.
    """

    formatter: ClassVar[type[LineFormatter]] = LineFormatter

    def atoms(self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: Any) -> dict[str, Any]:
        """Return the fields for access_log_format. ``U`` is the path as it was sent, and ``q`` is empty."""
        fields = super().atoms(resp, req, environ, request_time)
        path = without_query(environ.get("RAW_URI") or "-")
        fields |= {
            "U": path,
            "q": "",
            **{name: environ[name] for name in IDS if name in environ},
            "r": f"{environ.get('REQUEST_METHOD')} {path} {environ.get('SERVER_PROTOCOL')}",
            "f": without_query(environ.get("HTTP_REFERER", "-")),
        }
        return {
            name: shorten(escape(value), MAX_FIELD_CHARACTERS) if isinstance(value, str) else value
            for name, value in fields.items()
        }

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log a warning. About a malformed request, it says only what is wrong: the rest may contain a query string."""
        error = sys.exc_info()[1]
        if isinstance(error, ParseException) and msg.startswith("Invalid request from"):
            msg, args = "A malformed request was refused: %s", (type(error).__name__,)
        self.error_log.warning(msg, *args, **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        texts = (without_query(value) if isinstance(value, str) else value for value in args)
        self.error_log.exception(msg, *texts, **kwargs)

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            if type(handler.formatter) is logging.Formatter:  # gunicorn's own, not one that --log-config set
                handler.setFormatter(self.formatter(handler.formatter._fmt, handler.formatter.datefmt))
                handler.addFilter(FloodFilter(LINES_PER_MINUTE))


class AccessFormatter(JsonFormatter):
    """JSON, in which a line of the access log has its parts as fields."""

    def message_of(self, record: logging.LogRecord) -> str:
        if not is_access(record):
            return super().message_of(record)
        return presentable("{m} {U} {s}".format_map(record.args))  # type: ignore[arg-type]

    def fields_of(self, record: logging.LogRecord) -> Mapping[str, Any]:
        if not is_access(record):
            return super().fields_of(record)
        found: Any = record.args
        fields = {
            "client": found["h"],
            "method": found["m"],
            "path": presentable(found["U"]),
            "status": int(found["s"]),
        }
        sizes = {"bytes": found["B"] or 0, "milliseconds": found["M"]}
        ids = {name: dict.__getitem__(found, name) for name in IDS if name in found}
        return {**ids, **fields, **sizes}


class JsonLogger(SafeLogger):
    formatter = AccessFormatter


def is_access(record: logging.LogRecord) -> bool:
    return record.name == "gunicorn.access" and isinstance(record.args, Mapping)


def without_query(url: str) -> str:
    path, mark, _ = url.partition("?")
    return f"{path}{mark and '?…'}"
