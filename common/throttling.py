"""Rate limits of requests, which an API view and its page share.

Limits are a function that returns the windows of a request. The first window that is full refuses the request, which
then counts in none of them.
"""

from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_network

from django.http import HttpRequest
from rest_framework.request import Request

from common import windows
from common.client_ip import client_ip
from common.windows import Window

IPV6_PREFIX = 64  # what a provider assigns to one customer, who can use any address in it

AnyRequest = HttpRequest | Request
Limits = Callable[[AnyRequest], Sequence[Window]]


def unlimited(request: AnyRequest) -> Sequence[Window]:
    return ()


def person_limits(purpose: str, scope: str) -> Limits:
    """Return limits for each user, wherever the requests come from."""
    return lambda request: [Window(purpose, scope, person_subject(request))]


def seconds_to_wait(limits: Limits, request: AnyRequest) -> float | None:
    """Count the request; returns the seconds until it may be repeated, or None if it is allowed."""
    return windows.seconds_to_wait(limits(request))


def person_subject(request: AnyRequest) -> str:
    return f"person:{request.user.pk}"


def client_subject(request: AnyRequest) -> str:
    """Return the subject of a window for the client: its IP address, or its network for IPv6."""
    ip = client_ip(request)
    if isinstance(ip, IPv6Address):
        return f"client:{ip_network((ip, IPV6_PREFIX), strict=False)}"
    return f"client:{ip or 'unknown'}"
