"""Waits for emails in end-to-end tests, against a running bin/dev. Needs neither Django nor this project's settings.

Note the time before the step that sends the email, and wait for one that is newer::

    since = now()
    page.get_by_role("button", name="Sign up").click()
    email = wait_for_email(to="ada@example.com", kind="welcome", since=since)
    page.goto(first_link(email, containing="/verify-email"))
"""

import json
import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

SERVER = "http://localhost:8000"
TIMEOUT = 30.0  # seconds
POLL_EVERY = 0.2
LINK = re.compile(r"https?://[^\s<>\"]+")

Email = dict[str, Any]  # one message of /dev/inbox.json


class NoEmail(AssertionError):
    """The email didn't arrive, or the inbox can't be read. The message says what arrived instead."""


def now() -> datetime:
    """Return the time to pass as ``since``."""
    return datetime.now(UTC)


def wait_for_email(
    *,
    to: str = "",
    kind: str = "",
    since: datetime | None = None,
    status: str = "",
    server: str = SERVER,
    timeout: float = TIMEOUT,
) -> Email:
    """Return the newest email that matches, as soon as there is one. Raises ``NoEmail`` after ``timeout`` seconds.

    ``status``, such as ``"sent"``, waits until the email has it. The result has ``id``, ``kind``, ``to``, ``subject``,
    ``text``, ``html``, ``status``, ``created_at``, and ``events``.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = emails(to=to, kind=kind, since=since, server=server)
        for email in found:
            if status in ("", email["status"]):
                return email
        if time.monotonic() > deadline:
            raise NoEmail(missing(to, kind, since, status, server, timeout, found))
        time.sleep(POLL_EVERY)


def emails(*, to: str = "", kind: str = "", since: datetime | None = None, server: str = SERVER) -> list[Email]:
    """Return the emails that match, newest first. Raises ``NoEmail`` if the inbox can't be read."""
    query = urlencode({"to": to, "kind": kind, "since": since.isoformat() if since else ""})
    url = f"{server.rstrip('/')}/dev/inbox.json?{query}"
    try:
        # Without a configured proxy, which often can't reach this machine.
        with build_opener(ProxyHandler({})).open(url, timeout=TIMEOUT) as response:
            messages: list[Email] = json.load(response)["messages"]
    except HTTPError as error:
        raise NoEmail(f"{url} responded with {error.code}: {error.read().decode(errors='replace')[:300]}") from None
    except (URLError, OSError) as error:
        raise NoEmail(f"There is no server at {url}. Start bin/dev. ({error})") from None
    except (ValueError, KeyError, TypeError):
        raise NoEmail(f"{url} gave an unexpected answer. Does the server use settings.development?") from None
    return messages


def first_link(email: Email, containing: str = "") -> str:
    """Return the first link in the text that contains these characters. Raises ``NoEmail`` if there is none."""
    links: list[str] = [link.rstrip(".,;:!?)") for link in LINK.findall(email["text"])]
    for link in links:
        if containing in link:
            return link
    raise NoEmail(f"No link with {containing!r} in {email['subject']!r}. The links are: {', '.join(links) or 'none'}.")


def missing(
    to: str, kind: str, since: datetime | None, status: str, server: str, timeout: float, found: list[Email]
) -> str:
    """Return what was expected, and what arrived instead."""
    wanted = {"to": to, "kind": kind, "since": since and since.isoformat(), "status": status}
    conditions = ", ".join(f"{name}={value}" for name, value in wanted.items() if value)
    others = found or emails(since=since, server=server)
    arrived = "; ".join(
        f"{one['kind'] or 'other email'} to {', '.join(one['to'])} ({one['status']})" for one in others[:5]
    )
    return (
        f"No email with {conditions or 'anything in it'} within {timeout:g} s. Arrived instead: {arrived or 'nothing'}."
    )
