"""Limits per client and per person, counted in the cache and open when the cache is away."""

import hashlib
import ipaddress
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

SECONDS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}  # by the first letter of a rate's period, as in DRF
IPV6_PREFIX = 64  # what a provider gives to one customer: single addresses cost nothing there


@dataclass(frozen=True, slots=True)
class Window:
    """Counts what happens from its first count on, for as long as the rate's period.

    One atomic step a count, so that a burst of parallel requests cannot slip through. The rate is that of
    `DEFAULT_THROTTLE_RATES` for the scope, read every time; none means no limit.
    """

    scope: str
    subject: str
    share: int = 1  # of the rate: 5 is a fifth

    @property
    def rate(self) -> str | None:
        rate: Any = api_settings.DEFAULT_THROTTLE_RATES.get(self.scope)
        return None if rate is None else str(rate)

    @property
    def seconds(self) -> int:
        return SECONDS[(self.rate or "1/s").partition("/")[2][0]]

    @property
    def key(self) -> str:
        return f"throttle:{self.scope}:{hashlib.sha256(self.subject.encode(errors='replace')).hexdigest()}"

    def is_open(self) -> bool:
        """Count once more; False when that was too often."""
        return self.rate is None or self._count() <= max(1, int(self.rate.partition("/")[0]) // self.share)

    def wait(self) -> float:
        """Seconds until the window ends."""
        now = time.time()
        began: float = cache.get(f"{self.key}:began", now)
        return began + self.seconds - now

    def _count(self) -> int:
        if cache.add(self.key, 1, timeout=self.seconds):
            cache.set(f"{self.key}:began", time.time(), timeout=self.seconds)
            return 1
        with suppress(ValueError):  # the window ended since the line above
            return int(cache.incr(self.key))
        return 1


class WindowThrottle(BaseThrottle):
    """Counts each request in the windows that concern it, up to one that is full. The rates are those of the view's
    `throttle_scope`, unless a window says otherwise."""

    full: Window | None

    def windows(self, request: Request, scope: str) -> list[Window]:
        raise NotImplementedError

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.full = first_full(self.windows(request, getattr(view, "throttle_scope", "")))
        return self.full is None

    def wait(self) -> float | None:
        return self.full.wait() if self.full else None


class ClientThrottle(WindowThrottle):
    """Per IP address, or per network of one customer. X-Forwarded-For counts as far as NUM_PROXIES says."""

    def windows(self, request: Request, scope: str) -> list[Window]:
        return [Window(scope, client_subject(request))]


class PersonThrottle(WindowThrottle):
    """Per user, wherever the requests come from."""

    def windows(self, request: Request, scope: str) -> list[Window]:
        return [Window(scope, f"person:{request.user.pk}")]


def first_full(windows: Iterable[Window]) -> Window | None:
    """Count in one after the other. What one of them refuses does not count in the next: a single client can thus use
    up no more of an account's tries than its share."""
    return next((window for window in windows if not window.is_open()), None)


def client_subject(request: Request | HttpRequest) -> str:
    ident = BaseThrottle().get_ident(request) or "unknown"  # type: ignore[arg-type]  # reads META only
    with suppress(ValueError):
        address = ipaddress.ip_address(ident)
        if address.version == 6 and address.ipv4_mapped is None:
            ident = str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return f"client:{ident}"
