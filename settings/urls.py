"""Parses the URLs that variables contain."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

SMTP_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465, "smtps": 465}
# "Local" is what can only mean this machine: not 0.0.0.0, and no name that a name server could resolve to 127.0.0.1.
LOCAL_HOST = re.compile(r"\.?([a-z0-9_-]+\.)*localhost\.?|127\.0\.0\.1\.?|\[?::1\]?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class SmtpServer:
    """The parts of EMAIL_URL, named as in Django's EMAIL_* settings."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    use_tls: bool
    use_ssl: bool


def smtp_server(url: str) -> SmtpServer:
    """Return the parts of an smtp://, smtp+tls://, smtp+ssl://, or smtps:// URL. Raises KeyError or ValueError."""
    parts = urlsplit(url)
    port = parts.port or SMTP_PORTS[parts.scheme]
    # smtps means TLS from the first byte (RFC 8314), but many people write it for STARTTLS on port 587.
    use_ssl = parts.scheme == "smtp+ssl" or (parts.scheme == "smtps" and port == SMTP_PORTS["smtps"])
    return SmtpServer(
        host=parts.hostname or "localhost",
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        use_tls=parts.scheme in ("smtp+tls", "smtps") and not use_ssl,
        use_ssl=use_ssl,
    )


def split_or_none(url: str) -> SplitResult | None:
    """Return the parts of the URL, or None if its port or its IPv6 address is invalid."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def has_valid_port(url: str) -> bool:
    parts = split_or_none(url)
    return parts is not None and parts.port != 0


def is_base_url(value: str) -> bool:
    parts = split_or_none(value)
    return (
        parts is not None
        and parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and parts.port != 0
        # Programs disagree about the host of http://example.com\@localhost.
        and "@" not in parts.netloc
        and not re.search(r"[\s\x00-\x1f\x7f\\]", value)
        and not (parts.query or parts.fragment)
    )


def is_local_host(host: str) -> bool:
    """Return whether an item of ALLOWED_HOSTS, or the host of a URL, is this machine."""
    return LOCAL_HOST.fullmatch(host) is not None


def name_server(value: str) -> str | None:
    """Return an IP address and a port, such as "192.0.2.1:53" or "[2001:db8::1]:53", or None if it is invalid."""
    bracketed = value if value.startswith("[") or value.count(":") < 2 else f"[{value}]"
    parts = split_or_none(f"dns://{bracketed}")
    try:
        version = ip_address((parts.hostname or "") if parts else "").version
    except ValueError:
        return None
    is_plain = parts is not None and "@" not in value and not (parts.path or parts.query or parts.fragment)
    if parts is None or not is_plain or parts.port == 0:
        return None
    host = f"[{parts.hostname}]" if version == 6 else parts.hostname
    return f"{host}:{parts.port or 53}"
