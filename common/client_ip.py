"""The IP address of the client that sent a request, as far as the proxies in front are trusted."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle


def client_ident(request: HttpRequest | Request) -> str:
    """Return the client's address as the server or a trusted proxy reports it; can be empty, or not an IP address.

    NUM_PROXIES is the number of entries of X-Forwarded-For that come from our own proxies. Clients can forge the rest.
    """
    return BaseThrottle().get_ident(request) or ""  # type: ignore[arg-type]  # reads META only


def client_ip(request: HttpRequest | Request) -> IPv4Address | IPv6Address | None:
    """Return the client's IP address, without the zone of a link-local address, or None if it isn't valid."""
    with suppress(ValueError):
        return ip_address(client_ident(request).partition("%")[0])
    return None
