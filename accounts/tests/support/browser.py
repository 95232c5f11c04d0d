"""Uses the pages as a browser without scripts does."""

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
    """The path and query of the link to a page in an email."""
    return next(found[1] for found in LINK.finditer(message.body) if urlsplit(found[1]).path == f"/{page}")


def hidden_token(response: Any) -> str:
    found = re.search(r'name="token" value="([^"]+)"', response.content.decode())
    assert found
    return unescape(found[1])


def text_of(response: Any) -> str:
    """The visible text of a page, with normalized whitespace."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def submit_link(client: Client, link: str, **fields: str) -> Any:
    """Open a link from an email and submit the form on its page. If the link doesn't work, there is no form."""
    form_page = client.get(link)
    if form_page.status_code == 400:
        return form_page
    assert form_page.status_code == 200
    return client.post(urlsplit(link).path, {"token": hidden_token(form_page), **fields})
