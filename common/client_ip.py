"""The IP address of the client that sent a request, as far as the proxies in front are trusted."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle


def client_ident(request: HttpRequest | Request) -> str:
    """The client's address as the server or the trusted proxies report it; not always an IP address, may be empty.

    NUM_PROXIES says how many entries of X-Forwarded-For come from our own proxies. A client can forge all others.
    """
    return BaseThrottle().get_ident(request) or ""  # type: ignore[arg-type]  # reads META only


def client_ip(request: HttpRequest | Request) -> IPv4Address | IPv6Address | None:
    """The client's IP address without the zone of a link-local one; None if there is no valid address."""
    with suppress(ValueError):
        return ip_address(client_ident(request).partition("%")[0])
    return None
