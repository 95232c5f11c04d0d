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


class WindowThrottle(BaseThrottle):
    """Counts the requests of a window that begins with the first of them and is as long as the rate's period.

    One atomic step per request, so that a burst of parallel requests cannot slip through. The rate is that of
    `DEFAULT_THROTTLE_RATES` for the view's `throttle_scope`, read at every request; None means no limit.
    """

    key: str
    seconds: int

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
        self.seconds = SECONDS[period[0]]
        self.key = f"throttle:{scope}:{hashlib.sha256(subject.encode()).hexdigest()}"
        return self._count() <= int(limit)

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


class ClientThrottle(WindowThrottle):
    """Per IP address, or per network of one customer. X-Forwarded-For counts as far as NUM_PROXIES says."""

    def subject(self, request: Request) -> str:
        ident = self.get_ident(request) or "unknown"
        with suppress(ValueError):
            address = ipaddress.ip_address(ident)
            if address.version == 6 and address.ipv4_mapped is None:
                ident = str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
        return f"client:{ident}"


class AddressThrottle(WindowThrottle):
    """Per email address, or per token where a request brings one instead, wherever it comes from.

    A stranger can use up an owner's tries only while he goes on: the window is the rate's own, and nothing is locked.
    """

    def subject(self, request: Request) -> str | None:
        data: dict[str, Any] = request.data  # type: ignore[assignment]  # the parser lets nothing else through
        value = data.get("email") or data.get("token")
        if not isinstance(value, str):
            return None
        return f"address:{normalise_address(value)}".encode(errors="replace").decode()


class PersonThrottle(WindowThrottle):
    """Per user, wherever the requests come from."""

    def subject(self, request: Request) -> str:
        return f"person:{request.user.pk}"
