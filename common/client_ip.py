"""The IP address of the client that sent a request, as far as the proxies in front are trusted."""

import logging
import threading
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.settings import api_settings

logger = logging.getLogger(__name__)

FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"
is_header_ignored = threading.Event()  # set once X-Forwarded-For has arrived although no proxy is trusted
are_entries_missing = threading.Event()  # set once it had fewer entries than there are trusted proxies
SEEN_KEY = "client_ip:seen_proxies"
REMEMBERED_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SeenProxies:
    """A request whose X-Forwarded-For doesn't fit TRUSTED_PROXY_COUNT."""

    trusted: int  # TRUSTED_PROXY_COUNT at that time
    entries: int  # of the header
    is_from_private_ip: bool  # of the server's own view, so it came from a proxy and not from a visitor


def client_ip(request: HttpRequest | Request) -> IPv4Address | IPv6Address | None:
    """Return the client's IP address, or None if the server doesn't know one, for example on a Unix socket.

    NUM_PROXIES is the number of entries of X-Forwarded-For that come from our own proxies. Clients can forge the rest.
    If there are fewer entries, or ours is no address, the request didn't come the usual way. The server's own view
    then counts, because nobody can forge that.
    """
    proxies = int(api_settings.NUM_PROXIES or 0)
    entries = [entry for entry in request.META.get(FORWARDED_FOR, "").split(",") if entry.strip()]
    forwarded = parse_ip(entries[-proxies]) if 0 < proxies <= len(entries) else None
    return forwarded or parse_ip(request.META.get("REMOTE_ADDR", ""))


def parse_ip(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in a text such as 192.0.2.1:4711, [2001:db8::1]:443, or fe80::1%eth0, or None.

    An IPv4 address in the form of an IPv6 address, ::ffff:192.0.2.1, becomes an IPv4 address.
    """
    host = text.strip().strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    with suppress(ValueError):
        ip = ip_address(host.partition("%")[0])
        return (isinstance(ip, IPv6Address) and ip.ipv4_mapped) or ip
    return None


def warn_if_header_is_ignored(request: HttpRequest) -> None:
    """Warn once per process if a proxy seems to be in front that TRUSTED_PROXY_COUNT doesn't know about."""
    if FORWARDED_FOR not in request.META:
        return
    proxies = int(api_settings.NUM_PROXIES or 0)
    if proxies:
        if not are_entries_missing.is_set() and entry_count(request) < proxies:
            are_entries_missing.set()
            remember(request, proxies)
    elif not is_header_ignored.is_set():
        is_header_ignored.set()
        remember(request, proxies)
        logger.warning(
            "A request arrived with X-Forwarded-For, which is ignored because TRUSTED_PROXY_COUNT is 0. If there is a "
            "proxy in front, everyone behind it counts as one client for the rate limits: set TRUSTED_PROXY_COUNT."
        )


def entry_count(request: HttpRequest) -> int:
    return len([entry for entry in request.META[FORWARDED_FOR].split(",") if entry.strip()])


def remember(request: HttpRequest, proxies: int) -> None:
    """Let other processes know, such as manage.py doctor. Waits 0.2 s at most, once per process."""
    ip = parse_ip(request.META.get("REMOTE_ADDR", ""))
    seen = SeenProxies(proxies, entry_count(request), is_from_private_ip=ip is None or not ip.is_global)
    cache.set(SEEN_KEY, astuple(seen), REMEMBERED_FOR.total_seconds())


def seen_proxies() -> SeenProxies | None:
    """Return a request of the last day that didn't fit the number of trusted proxies, if that is still the same."""
    found = cache.get(SEEN_KEY)
    seen = SeenProxies(*found) if found else None
    return seen if seen and seen.trusted == int(api_settings.NUM_PROXIES or 0) else None
