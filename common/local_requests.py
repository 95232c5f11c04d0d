"""Whether a request was sent from this machine.

What development settings show and accept must never reach a stranger, so it depends on this.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# *.localhost always means this machine (RFC 6761). Other names that resolve to 127.0.0.1 may resolve to anything else.
LOCAL_HOST_HEADER = re.compile(
    r"(([a-z0-9_-]+\.)*localhost\.?|127\.0\.0\.1\.?|\[::1\])(:[0-9]+)?", re.IGNORECASE | re.ASCII
)
CLIENT_HEADERS = ["HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP"]
PRIVATE_NETWORKS = [ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]


def is_local_request(request: HttpRequest) -> bool:
    """Return whether the Host header names this machine, and the request was sent from it.

    In a remote workspace, requests come from elsewhere, so only the Host header counts.
    """
    return has_local_host(request) and (is_remote_workspace() or is_sent_from_this_machine(request))


def has_local_host(request: HttpRequest) -> bool:
    # Not get_host(), which may return X-Forwarded-Host and which depends on ALLOWED_HOSTS.
    host = request.META.get("HTTP_HOST") or request.META.get("SERVER_NAME", "")
    return LOCAL_HOST_HEADER.fullmatch(host) is not None


def is_sent_from_this_machine(request: HttpRequest) -> bool:
    """Return whether the connection, and each hop that a proxy reports, starts on this machine.

    The Host header alone proves nothing. A stranger can send ``Host: localhost`` to a server that listens on 0.0.0.0,
    and nginx sends it by default with all requests that it passes on.
    """
    return (
        is_own_address(request.META.get("REMOTE_ADDR", ""))
        and all(is_loopback(client) for name in CLIENT_HEADERS for client in _items(request, name))
        and all(LOCAL_HOST_HEADER.fullmatch(host) for host in _items(request, "HTTP_X_FORWARDED_HOST"))
        and "HTTP_FORWARDED" not in request.META  # RFC 7239: the same in a syntax that no local tool sends
    )


def is_remote_workspace() -> bool:
    return bool(getattr(settings, "REMOTE_WORKSPACE_BEHIND_ITS_OWN_LOGIN", False))


def is_own_address(address: str) -> bool:
    """Return whether connections from this address come from this machine. A Unix socket has none: that is a proxy.

    For a port that Docker publishes on 127.0.0.1, they come from Docker's gateway, which has any private address.
    """
    if not getattr(settings, "PORT_IS_PUBLISHED_ON_LOOPBACK", False):
        return is_loopback(address)
    return is_loopback(address) or is_private(address)


def is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


def is_private(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(mapped in network for network in PRIVATE_NETWORKS)


def _items(request: HttpRequest, name: str) -> Iterator[str]:
    if name in request.META:
        yield from (item.strip() for item in request.META[name].split(","))
