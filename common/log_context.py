"""The IDs of what is being processed: every log line carries them, and so do Celery's messages and emails.

A value lives in a context variable, so it also follows asynchronous code, and parallel threads don't mix.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any

# What travels on with a Celery message and with an email, and so connects the lines of several processes.
CARRIED = ("request_id", "stripe_event_id")
ORIGIN = "origin"  # the key in an email's metadata
WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")

_ids: ContextVar[Mapping[str, str]] = ContextVar("log_ids", default={})  # noqa: B039  # a Mapping, never changed


def current_ids() -> Mapping[str, str]:
    """Return the IDs by the names that the fields of a log line have."""
    return _ids.get()


def begin(ids: Mapping[str, str]) -> Token[Mapping[str, str]]:
    """Add IDs to all following lines, until ``end()`` gets the token. In the same thread."""
    return _ids.set({**_ids.get(), **ids})


def end(token: Token[Mapping[str, str]]) -> None:
    _ids.reset(token)


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Add IDs to all lines that are logged inside the block."""
    token = begin(ids)
    try:
        yield
    finally:
        end(token)


def carried_ids(source: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the IDs that travel on, by default those of the current context, and without those that are malformed."""
    values = current_ids() if source is None else source
    return {name: values[name] for name in CARRIED if is_well_formed(values.get(name))}


def is_well_formed(value: object) -> bool:
    """Return whether the value is a short text that no log line, header, or shell could misunderstand."""
    return isinstance(value, str) and WELL_FORMED.fullmatch(value) is not None


def origin() -> dict[str, Any]:
    """Return what to add to an email's metadata, so that the lines about it name the request that queued it."""
    ids = carried_ids()
    return {ORIGIN: ids} if ids else {}
