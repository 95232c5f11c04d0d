"""Where a request comes from, as far as the proxies in front are trusted."""

import ipaddress
from contextlib import suppress

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

USER_AGENT_LENGTH = 300


def client_address(request: HttpRequest | Request) -> str | None:
    """X-Forwarded-For counts as far as NUM_PROXIES says; None where nothing usable stands there."""
    with suppress(ValueError):
        ident = BaseThrottle().get_ident(request) or ""  # type: ignore[arg-type]  # reads META only
        return str(ipaddress.ip_address(ident.partition("%")[0]))  # without the zone of a link-local address
    return None


def user_agent(request: HttpRequest) -> str:
    """In printable characters: it is shown to people, and stored."""
    text = request.META.get("HTTP_USER_AGENT", "")
    return "".join(character for character in text if character.isprintable())[:USER_AGENT_LENGTH]
