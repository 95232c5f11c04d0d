"""The IP address of the client that sent a request, as far as the proxies in front are trusted."""

import logging
import threading
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.settings import api_settings

logger = logging.getLogger(__name__)

FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"
is_header_ignored = threading.Event()  # set once X-Forwarded-For has arrived although no proxy is trusted


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
    if FORWARDED_FOR in request.META and not api_settings.NUM_PROXIES and not is_header_ignored.is_set():
        is_header_ignored.set()
        logger.warning(
            "A request arrived with X-Forwarded-For, which is ignored because TRUSTED_PROXY_COUNT is 0. If there is a "
            "proxy in front, everyone behind it counts as one client for the rate limits: set TRUSTED_PROXY_COUNT."
        )
