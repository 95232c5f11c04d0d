"""Using the pages as a browser without scripts does."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from accounts.tests.support.users import PASSWORD

LINK = re.compile(r"https://app\.example\.com(/\S+)")


def log_in(client: Client, email: str = "ada@example.com", password: str = PASSWORD, **extra: Any) -> Any:
    return client.post("/login", {"email": email, "password": password}, **extra)


def link_in(message: Any, page: str) -> str:
    """The path and query of the link to a page in a mail."""
    return next(found[1] for found in LINK.finditer(message.body) if urlsplit(found[1]).path == f"/{page}")


def hidden_token(answer: Any) -> str:
    found = re.search(r'name="token" value="([^"]+)"', answer.content.decode())
    assert found
    return unescape(found[1])


def text_of(answer: Any) -> str:
    """What a person reads, white space made even."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def submit_link(client: Client, link: str, **fields: str) -> Any:
    """Open a link of a mail and send the form that it leads to."""
    shown = client.get(link)
    assert shown.status_code == 200
    return client.post(urlsplit(link).path, {"token": hidden_token(shown), **fields})
