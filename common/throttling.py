"""Rate limits per client and per user. They are counted in the cache; without a cache, nothing is limited."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.settings import api_settings

from common.client_ip import client_ident, client_ip

SECONDS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}  # by the first letter of a rate's period, as in DRF
IPV6_PREFIX = 64  # what a provider assigns to one customer, who can use any address in it


@dataclass(frozen=True, slots=True)
class Window:
    """A counter that starts with the first request and ends after the period of its rate.

    The rate comes from `DEFAULT_THROTTLE_RATES[scope]` and is read every time. Without a rate, there is no limit.
    """

    scope: str
    subject: str
    share: int = 1  # the divisor of the rate: 5 allows a fifth of it

    @property
    def rate(self) -> str | None:
        rate: Any = api_settings.DEFAULT_THROTTLE_RATES.get(self.scope)
        return None if rate is None else str(rate)

    @property
    def seconds(self) -> int:
        return SECONDS[(self.rate or "1/s").partition("/")[2][0]]

    @property
    def key(self) -> str:
        # Subjects are not validated yet. They can contain half a surrogate pair, which can't be encoded.
        return f"throttle:{self.scope}:{hashlib.sha256(self.subject.encode(errors='replace')).hexdigest()}"

    def hit(self) -> bool:
        """Count one request; returns whether it is within the limit."""
        return self.rate is None or self._count() <= max(1, int(self.rate.partition("/")[0]) // self.share)

    def wait(self) -> float:
        """Return the seconds until the window ends."""
        now = time.time()
        began: float = cache.get(f"{self.key}:began", now)
        return began + self.seconds - now

    def _count(self) -> int:
        # One atomic operation per count: a burst of parallel requests cannot exceed the limit.
        if cache.add(self.key, 1, timeout=self.seconds):
            # Django's cache can't tell how long a key still lives.
            cache.set(f"{self.key}:began", time.time(), timeout=self.seconds)
            return 1
        with suppress(ValueError):  # the window ended after the line above
            return int(cache.incr(self.key))
        return 1


@dataclass(frozen=True, slots=True)
class Throttle:
    """A limit that API views and pages share, named by the scope of its rate."""

    scope: str

    def windows(self, request: HttpRequest | Request) -> list[Window]:
        """Return the windows that this request counts in."""
        raise NotImplementedError


Limits = Sequence[Throttle]


class ClientThrottle(Throttle):
    """Limits each IP address, or each network of one customer."""

    def windows(self, request: HttpRequest | Request) -> list[Window]:
        return [Window(self.scope, client_subject(request))]


class PersonThrottle(Throttle):
    """Limits each user, wherever the requests come from."""

    def windows(self, request: HttpRequest | Request) -> list[Window]:
        return [Window(self.scope, f"person:{request.user.pk}")]


def seconds_to_wait(limits: Limits, request: HttpRequest | Request) -> float | None:
    """Count the request for all limits; returns the seconds until it may be repeated, or None if it is allowed."""
    full = (first_full(throttle.windows(request)) for throttle in limits)
    return max((window.wait() for window in full if window), default=None)


def first_full(windows: Iterable[Window]) -> Window | None:
    """Count a request in one window after the other, up to the first that is full; returns that one.

    What one window refuses does not count in the next. A single client can therefore use up only its own share of an
    account's attempts.
    """
    return next((window for window in windows if not window.hit()), None)


def client_subject(request: HttpRequest | Request) -> str:
    """Return the subject of a window for the client: its IP address, or its network for IPv6."""
    ip = client_ip(request)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is None:
        return f"client:{ip_network((ip, IPV6_PREFIX), strict=False)}"
    return f"client:{client_ident(request) or 'unknown'}"
