"""How often one may try: limits per client and per address, kept in the cache and open when the cache is away."""

import hashlib
import ipaddress
import time
from contextlib import suppress
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.addresses import normalise_address

SECONDS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}  # by the first letter of a rate's period, as in DRF
IPV6_PREFIX = 64  # what a provider gives to one customer: single addresses cost nothing there


class SlidingWindowThrottle(BaseThrottle):
    """Counts requests in windows of the rate's length; the one before counts for the part that still overlaps.

    One atomic increment per request, so that a burst of parallel requests cannot slip through. The rate is that of
    `DEFAULT_THROTTLE_RATES` for the view's `throttle_scope`, read at every request; None means no limit.
    """

    limit: int
    seconds: int
    elapsed: float  # seconds of the current window
    current: int  # requests in it, this one and refused ones included
    previous: int  # requests in the window before, at most the limit

    def subject(self, request: Request) -> str | None:
        """Whose requests are counted; None for a request that is not."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: APIView) -> bool:
        scope: str = getattr(view, "throttle_scope", "")
        rate: Any = api_settings.DEFAULT_THROTTLE_RATES[scope]
        subject = self.subject(request)
        if rate is None or subject is None:
            return True
        limit, _, period = rate.partition("/")
        self.limit, self.seconds = int(limit), SECONDS[period[0]]
        self._count(f"throttle:{scope}:{hashlib.sha256(subject.encode()).hexdigest()}")
        return self.previous * (1 - self.elapsed / self.seconds) + self.current <= self.limit

    def wait(self) -> float:
        """Seconds until one more request will be allowed."""
        room = self.limit - 1
        if self.current <= room:
            return self.seconds * (1 - (room - self.current) / self.previous) - self.elapsed
        return self.seconds * (2 - room / min(self.current, self.limit)) - self.elapsed

    def _count(self, key: str) -> None:
        window, self.elapsed = divmod(time.time(), self.seconds)
        current, previous = f"{key}:{int(window)}", f"{key}:{int(window) - 1}"
        cache.add(current, 0, timeout=2 * self.seconds)
        self.current = 1
        with suppress(ValueError):  # evicted since the line above
            self.current = cache.incr(current)
        self.previous = min(cache.get(previous, 0), self.limit)


class ClientThrottle(SlidingWindowThrottle):
    """Per IP address, or per network of one customer. X-Forwarded-For counts as far as NUM_PROXIES says."""

    def subject(self, request: Request) -> str:
        ident = self.get_ident(request) or "unknown"
        with suppress(ValueError):
            address = ipaddress.ip_address(ident)
            if address.version == 6 and address.ipv4_mapped is None:
                ident = str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
        return f"client:{ident}"


class AddressThrottle(SlidingWindowThrottle):
    """Per email address, or per token where a request brings one instead, wherever it comes from.

    A stranger can use up an owner's tries only while he goes on: the window is the rate's own, and nothing is locked.
    """

    def subject(self, request: Request) -> str | None:
        data: dict[str, Any] = request.data  # type: ignore[assignment]  # the parser lets nothing else through
        value = data.get("email") or data.get("token")
        if not isinstance(value, str):
            return None
        return f"address:{normalise_address(value)}".encode(errors="replace").decode()
