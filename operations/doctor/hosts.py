"""What the name of a host shows: whether it is this machine, a private network, or the internet."""

import re
from contextlib import suppress
from ipaddress import ip_address

LOCAL = re.compile(r"([a-z0-9_-]+\.)*localhost\.?", re.IGNORECASE | re.ASCII)
# Names that only a private network resolves: Kubernetes, Docker, cloud providers, and routers.
PRIVATE_ENDINGS = (".internal", ".local", ".lan", ".home.arpa", ".svc", ".cluster.local", ".flycast", ".docker")
# RFC 2606 and RFC 6761: nobody can own a name that ends like this.
RESERVED = re.compile(r"(.+\.)?(example|test|invalid|localhost|example\.(com|net|org))", re.IGNORECASE)
# The second part of names such as acme.co.uk.
SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "gov", "go", "ne", "net", "or", "org"})


def is_local(host: str) -> bool:
    """Return whether the host is this machine. An empty host is a socket in a file."""
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return not host or host.startswith("/") or LOCAL.fullmatch(host) is not None


def is_public(host: str) -> bool:
    """Return whether the way to the host may lead through the internet."""
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_global
    return not is_local(host) and "." in host.strip(".") and not host.lower().rstrip(".").endswith(PRIVATE_ENDINGS)


def is_reserved(host: str) -> bool:
    return RESERVED.fullmatch(host.rstrip(".")) is not None


def site_of(host: str) -> str:
    """Return the part of a name that somebody registers, as far as that shows without a list: acme.co.uk."""
    labels = host.lower().rstrip(".").split(".")
    is_two_part_ending = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVELS
    return ".".join(labels[-3:] if is_two_part_ending else labels[-2:])
