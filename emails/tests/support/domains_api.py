"""The domains APIs of the three providers on a local port, with the bodies that their documentation shows."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from emails.tests.support.zones import RSA_1024

KEY = f"p={RSA_1024}"
SPF = "v=spf1 include:amazonses.com ~all"
BASES = {"resend": "", "sendgrid": "/v3", "sequenzy": "/api/v1"}


class DomainsApi:
    """``pages`` maps a path without its query to a status and a body. Bytes are sent as HTML, everything else as JSON.

    ``requests`` lists what was asked, and the key. Paths in ``silent`` get no response before the server ends.
    """

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.silent: set[str] = set()
        self.ends = threading.Event()

    def __enter__(self) -> "DomainsApi":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ends.set()
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        self.pages.clear()
        self.requests.clear()
        self.silent.clear()

    def url(self, provider: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{BASES[provider]}"

    def serve(self, provider: str, domain: dict[str, Any]) -> None:
        """Serve the domain in the form of the provider."""
        if provider == "resend":
            listed = {name: domain[name] for name in ("id", "name", "status")}
            self.pages["/domains"] = (200, {"object": "list", "has_more": False, "data": [listed]})
            self.pages[f"/domains/{domain['id']}"] = (200, domain)
        elif provider == "sendgrid":
            self.pages["/v3/whitelabel/domains"] = (200, [domain])
        else:
            answer = {"success": True, "website": domain, "ready": domain["readyToSend"]}
            self.pages[f"/api/v1/websites/{domain['domain']}"] = (200, answer)


def _handler(api: DomainsApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            api.requests.append((self.path, self.headers["Authorization"]))
            if path in api.silent:
                api.ends.wait(30)
                return
            status, body = api.pages.get(path, (404, {"message": "not found"}))
            is_html = isinstance(body, bytes)
            content = body if is_html else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if is_html else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def resend_domain(name: str = "example.com", status: str = "verified", **changes: Any) -> dict[str, Any]:
    label = name.removesuffix("example.com").rstrip(".")
    suffix = f".{label}" if label else ""
    return {
        "object": "domain",
        "id": "d91cd9bd-1176-453e-8fc1-35364d380206",
        "name": name,
        "status": status,
        "created_at": "2026-05-13 20:30:29.829957+00",
        "region": "us-east-1",
        "capabilities": {"sending": "enabled", "receiving": "disabled"},
        "records": [
            record("DKIM", f"resend._domainkey{suffix}", "TXT", KEY, status),
            record("SPF", f"send{suffix}", "MX", "feedback-smtp.us-east-1.amazonses.com", status, priority=10),
            record("SPF", f"send{suffix}", "TXT", f'"{SPF}"', status),
        ],
    } | changes


def record(purpose: str, name: str, kind: str, value: str, status: str = "verified", **more: Any) -> dict[str, Any]:
    return {"record": purpose, "name": name, "type": kind, "value": value, "ttl": "Auto", "status": status} | more


def sendgrid_domain(domain: str = "example.com", valid: bool = True, **changes: Any) -> dict[str, Any]:
    targets = {
        "mail_cname": (f"em1234.{domain}", "u1446226.wl.sendgrid.net"),
        "dkim1": (f"s1._domainkey.{domain}", "s1.domainkey.u1446226.wl.sendgrid.net"),
        "dkim2": (f"s2._domainkey.{domain}", "s2.domainkey.u1446226.wl.sendgrid.net"),
    }
    dns = {key: {"valid": valid, "type": "cname", "host": host, "data": to} for key, (host, to) in targets.items()}
    return {
        "id": 302183,
        "subdomain": "em1234",
        "domain": domain,
        "valid": valid,
        "default": True,
        "dns": dns,
    } | changes


def sequenzy_domain(domain: str = "example.com", ready: bool = True, **changes: Any) -> dict[str, Any]:
    dkim = {f"dkim{number}": {"name": f"t{number}._domainkey.{domain}", "value": f"t{number}.dkim.amazonses.com"}
            for number in (1, 2, 3)}  # fmt: skip
    return {
        "id": "web_1",
        "domain": domain,
        "status": "verified" if ready else "pending",
        "dnsVerified": ready,
        "readyToSend": ready,
        "readiness": {"status": "ready" if ready else "pending", "reason": None if ready else "dns_pending"},
        "bounceRecords": {
            "style": "cname",
            "status": "verified",
            "cnameRecord": {"name": f"send.{domain}", "value": "bounce.sequenzy.net"},
            "diagnostic": None,
        },
        "dkim": {"status": "verified", "tokens": ["t1", "t2", "t3"]},
        "dnsRecords": {
            **dkim,
            "returnPathCnameRecord": {"name": f"send.{domain}", "value": "bounce.sequenzy.net"},
            "spfRecord": {"name": f"send.{domain}", "value": SPF},
            "mxRecord": {"name": f"send.{domain}", "value": "10 feedback-smtp.us-east-1.amazonses.com"},
            "trackingRecord": {"name": f"links.{domain}", "value": "track.sequenzy.net", "type": "CNAME"},
        },
    } | changes


DOMAINS: dict[str, Callable[..., dict[str, Any]]] = {
    "resend": resend_domain,
    "sendgrid": sendgrid_domain,
    "sequenzy": sequenzy_domain,
}
# The records that make the domains above work, and what the providers publish at the targets.
PUBLISHED = f"""
example.com MX 10 mx.example.com.
mx.example.com A 192.0.2.1
_dmarc.example.com TXT v=DMARC1; p=reject
resend._domainkey.example.com TXT {KEY}
send.example.com MX 10 feedback-smtp.us-east-1.amazonses.com.
send.example.com TXT {SPF}
amazonses.com TXT v=spf1 ip4:199.255.192.0/22 -all
em1234.example.com CNAME u1446226.wl.sendgrid.net.
u1446226.wl.sendgrid.net TXT v=spf1 ip4:192.0.2.7 -all
u1446226.wl.sendgrid.net MX 10 mx.sendgrid.net.
s1._domainkey.example.com CNAME s1.domainkey.u1446226.wl.sendgrid.net.
s1.domainkey.u1446226.wl.sendgrid.net TXT k=rsa; t=s; {KEY}
s2._domainkey.example.com CNAME s2.domainkey.u1446226.wl.sendgrid.net.
s2.domainkey.u1446226.wl.sendgrid.net TXT k=rsa; t=s; {KEY}
"""
PUBLISHED_FOR_SEQUENZY = f"""
example.com MX 10 mx.example.com.
mx.example.com A 192.0.2.1
_dmarc.example.com TXT v=DMARC1; p=reject
t1._domainkey.example.com CNAME t1.dkim.amazonses.com.
t2._domainkey.example.com CNAME t2.dkim.amazonses.com.
t3._domainkey.example.com CNAME t3.dkim.amazonses.com.
t1.dkim.amazonses.com TXT {KEY}
t2.dkim.amazonses.com TXT {KEY}
t3.dkim.amazonses.com TXT {KEY}
send.example.com CNAME bounce.sequenzy.net.
bounce.sequenzy.net TXT v=spf1 ip4:192.0.2.9 ~all
bounce.sequenzy.net MX 10 mx.sequenzy.net.
links.example.com CNAME track.sequenzy.net.
"""
ZONES_OF = {"resend": PUBLISHED, "sendgrid": PUBLISHED, "sequenzy": PUBLISHED_FOR_SEQUENZY}
