"""Random HTTP requests to every route, reproducible by their seed: odd methods, targets, headers, bodies, cookies."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tests.support.raw_http import request_bytes

# A line of a log that nobody but a client could have written.
FORGED = "2001-01-01 00:00:00,000 ERROR billing.events: FORGED"
TEXTS = [
    "",
    "x",
    "1",
    "-1",
    "0" * 5000,
    "9" * 40,
    "\x00",
    "a\x00b",
    f"x\n{FORGED}",
    f"x\r\n{FORGED}\r\nSet-Cookie: a=b",
    f"\u2028{FORGED}\u2029\x85{FORGED}\x1b[2K\u202e\u200b",
    "\x1b]0;title\x07",
    "../../../etc/passwd",
    "//evil.example.com/",
    "javascript:alert(1)",
    "http://[::1",
    "ada@example.com",
    "ada@example.com\x00",
    "ada@" + "ü" * 200 + ".example",
    "<script>alert(1)</script>",
    "{{ 7*7 }}{% url %}",
    "%s%n%(name)s{0}{}",
    "' OR 1=1 --",
    "\ufffe\uffff\U0010ffff",
    "é" * 300,
    "2026-99-99",
    "NaN",
    "1e999",
    "true",
    "a" * 32,
    "correct horse battery",
]
NAMES = [
    *("csrfmiddlewaretoken", "email", "password", "name", "token", "next", "language", "plan", "new_password", "id"),
    *("q", "o", "p", "page", "all", "e", "format", "lang", "version", "script", "term", "app_label", "model_name"),
    *("status", "status__exact", "is_staff__exact", "created_at__gte", "_popup", "_to_field", "_facets", "action"),
    *("_selected_action", "select_across", "index", "session_id", "\x00", "a[]", "", FORGED),
]
METHODS = [*["GET", "POST"] * 6, *("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "X\x1b")]
MEDIA_TYPES = [
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", "text/plain", ""),
    *(
        "multipart/form-data",
        "multipart/form-data; boundary=\xff",
        "multipart/mixed; boundary=x",
        ";;\x85=",
        "a/b; c*=d''e",
    ),
    *(
        f"{kind}; charset={charset}"
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json")
        for charset in ("utf-7", "utf-16", "hex", "idna", "punycode", "undefined", "x", "utf-8", '"', "rot13")
    ),
]
HEADERS = {
    "Accept": ["*/*", "application/json", "a/b;c*=d''e", "\xff", "application/json; indent=999999999999", ","],
    "Accept-Language": ["de", "en;q=x", "\xff", "x-" * 500, "de;q=0.00000001,*"],
    "Accept-Encoding": ["gzip", "br;q=\xff", "identity;q=0, *;q=0"],
    "Authorization": [
        "Token x",
        "Token \xff",
        "Bearer \x85",
        "Basic eAp5Ono=",
        "Token",
        "Token a b c",
        "Bearer " + "a" * 5000,
    ],
    "Content-Length": ["0", "1", "100000", "300000000", "9" * 30, "-1", "x", "1, 1"],
    "Expect": ["100-continue", "\xff"],
    "Host": ["evil.example.com", "localhost:99999", "[::1", "\xff", "", "localhost\x85", "LOCALHOST", "127.0.0.1"],
    "If-Match": ["*", '"x"', "\xff"],
    "If-Modified-Since": ["Mon, 99 Foo 99999 99:99:99", "Sat, 01 Jan 0000 00:00:00 GMT", "\xff"],
    "If-None-Match": ["*", 'W/"x", "', "\xff"],
    "Known-Device": ["x", "\xff", "a" * 5000],
    "Origin": ["https://evil.example.com", "null", "http://[::1", "\xff", "https://localhost"],
    "Range": ["bytes=0-0", "bytes=9999999999999999999999-", "bytes=-\xff", "x"],
    "Referer": ["https://localhost/", "http://[::1", "\x85", "https://localhost:x/"],
    "SCRIPT_NAME": ["/x"],
    "Stripe-Signature": ["t=1,v1=x", "t=\x85,v1=\xff", ",,=,"],
    "Transfer-Encoding": ["chunked", "gzip", "chunked, chunked", "identity"],
    "User-Agent": ["\x85\x1b" + FORGED, "x" * 5000],
    "X-CSRFToken": ["a" * 32, "\xff", ""],
    "X-Forwarded-For": ["203.0.113.1", "\xff", ",,,", "::1%\x85", "a" * 500],
    "X-Forwarded-Host": ["evil.example.com"],
    "X-Forwarded-Proto": ["https", "http", "\xff"],
    "svix-id": ["x", "\xff\x85"],
    "svix-signature": ["v1,x", "v1,\xff"],
    "svix-timestamp": ["1", "\xb2", "9" * 400],
}
COOKIES = [
    "x",
    '"\\000aaaaaaaaaa"',
    '"\\012' + FORGED + '"',
    "\xff" * 40,
    "a" * 32,
    "",
    '"',
    "=;=;",
    "1:2:3",
    "e30:x:y",
]
COOKIE_NAMES = [
    f"{prefix}{name}"
    for prefix in ("", "__Host-")
    for name in ("sessionid", "csrftoken", "messages", "django_language", "known_device", "x", "")
]


@dataclass(frozen=True)
class Actor:
    """Who sends a request: nobody, or a user with a session (``cookie``) or a token (``authorization``)."""

    cookie: str = ""
    authorization: str = ""


class RequestGenerator:
    """Returns one random request after the other. The same seed and paths lead to the same requests."""

    def __init__(self, seed: int, paths: Sequence[str], actors: Sequence[Actor] = (Actor(),)) -> None:
        self._random = random.Random(seed)
        self._paths, self._actors = paths, actors

    def next_request(self) -> bytes:
        method = self._random.choice(METHODS)
        headers, body = self._body()
        headers |= self._headers()
        return request_bytes(method, self._target(), headers, b"" if method in ("GET", "HEAD") else body)

    def _one_in(self, count: int) -> bool:
        return self._random.randrange(count) == 0

    def _text(self) -> str:
        return self._random.choice(TEXTS)

    def _target(self) -> str:
        path = self._random.choice(self._paths)
        if self._one_in(3):
            path = path.removesuffix("/") + "/"
        if self._one_in(3):
            parts = path.split("/")
            parts[self._random.randrange(len(parts))] = quote(self._text()[:500], safe=self._random.choice(["", "/:@"]))
            path = "/" + "/".join(parts).lstrip("/")
        if self._one_in(20):
            path = self._random.choice(
                ["*", "/" * 3000, "http://[::1/", "/%", "/%ff%fe%00", path + "\x1b", "//" + path]
            )
        return path + ("?" + self._form(3) if self._one_in(2) else "")

    def _form(self, most: int) -> str:
        names = [self._random.choice(NAMES) for _ in range(self._random.randint(0, most))]
        text = urlencode([(name, self._text()[:500]) for name in names])
        return text + self._random.choice(["", "", "", "&%ff%fe=%00", "&&=&", "&a" * 1500])

    def _headers(self) -> dict[str, str]:
        names = self._random.sample(sorted(HEADERS), self._random.choice([0, 0, 1, 1, 2, 5]))
        headers = {name: self._random.choice(HEADERS[name]) for name in names}
        actor = self._random.choice(self._actors)
        cookies = [actor.cookie] if actor.cookie else []
        if self._one_in(2):  # with a matching form field, the request passes the check for CSRF
            cookies.append(f"csrftoken={'a' * 32}; __Host-csrftoken={'a' * 32}")
        if self._one_in(3):
            cookies.append(f"{self._random.choice(COOKIE_NAMES)}={self._random.choice(COOKIES)}")
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        if actor.authorization and self._one_in(2):
            headers["Authorization"] = actor.authorization
        return headers

    def _body(self) -> tuple[dict[str, str], bytes]:
        kinds: list[Callable[[], bytes]] = [self._form_body, self._json_body, self._multipart_body, self._bytes]
        body = self._random.choice(kinds)()
        headers = {"Content-Type": self._random.choice(MEDIA_TYPES)}
        if self._one_in(8):
            headers["Transfer-Encoding"] = "chunked"
            end = self._random.choice([b"\r\n0\r\n\r\n", b"\r\n0\r\n\r\n", b"", b"XX0\r\n\r\n", b"\r\nzz\r\n"])
            body = b"%x\r\n%s%s" % (len(body), body, end)
        return headers, body

    def _form_body(self) -> bytes:
        token = f"csrfmiddlewaretoken={'a' * 32}&" if self._one_in(2) else ""
        return (token + self._form(6)).encode()

    def _json_body(self) -> bytes:
        return json.dumps(self._value(3)).encode()

    def _value(self, levels: int) -> Any:
        kind = self._random.randrange(6 if levels else 4)
        if kind == 4:
            return [self._value(levels - 1) for _ in range(self._random.randint(0, 3))]
        if kind == 5 or levels == 3:
            return {self._random.choice(NAMES): self._value(levels - 1) for _ in range(self._random.randint(0, 5))}
        return self._random.choice([None, True, 10**30, -1.5, float("nan"), "\ud800", self._text(), self._text()])

    def _multipart_body(self) -> bytes:
        parts = [self._part() for _ in range(self._random.randint(0, 3))]
        return b"".join(parts) + self._random.choice([b"--x--\r\n", b"--x", b""])

    def _part(self) -> bytes:
        name = self._random.choice([*NAMES, "csrfmiddlewaretoken"])
        extra = self._random.choice(
            ["", '; filename="a"', "; filename*=hex''a", "; name*=nonsense''a", '; filename="../\x00"']
        )
        encoding = self._random.choice(["", "", "Content-Transfer-Encoding: base64\r\n", "Content-Length: x\r\n"])
        value = self._random.choice(["a" * 32, self._text()])
        head = f'--x\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n{encoding}\r\n'
        return (head + value + "\r\n").encode()

    def _bytes(self) -> bytes:
        return self._random.randbytes(self._random.choice([0, 1, 50, 1000]))
