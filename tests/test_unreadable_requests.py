"""Bodies and headers that can't be read, sent to a real web server: a 4xx with all security headers, and no ERROR."""

import pytest
from django.http import HttpResponse

from myproject.middleware import readable_cookies_middleware
from tests.support.raw_http import RawResponse, request_bytes, send_raw
from tests.support.site import Site

PATHS = [
    "/",
    "/nothing",
    "/login",
    "/logout",
    "/language",
    "/settings",
    "/admin/",
    "/admin/login/",
    "/admin/nothing/",
    "/api/nothing",
    "/api/schema/",
    "/api/docs/",
    "/api/accounts/login/",
    "/api/accounts/me/",
    "/healthz",
    "/readyz",
    "/static/site.css",
    "/brand.css",
    "/stripe/webhook",
    "/emails/webhooks/resend",
]
# With a token cookie and a Referer, Django looks for the token in the body.
CSRF = {
    "Cookie": f"csrftoken={'a' * 32}; __Host-csrftoken={'a' * 32}",
    "X-Forwarded-Proto": "https",
    "Referer": "https://localhost/",
}
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


def part(header: str) -> bytes:
    return f"--x\r\nContent-Disposition: form-data; {header}\r\n\r\nvalue\r\n--x--\r\n".encode()


CHUNKED = {"Transfer-Encoding": "chunked"}
BODIES: dict[str, tuple[dict[str, str], bytes]] = {
    "no boundary": ({"Content-Type": MULTIPART}, b"x"),
    "wrong boundary": ({"Content-Type": f"{MULTIPART}; boundary=x"}, b"no boundary in here"),
    "boundary beyond ASCII": ({"Content-Type": f"{MULTIPART}; boundary=\xff"}, b"--\xff--"),
    "long boundary": ({"Content-Type": f"{MULTIPART}; boundary={'x' * 300}"}, b"x"),
    "encoded boundary": ({"Content-Type": f"{MULTIPART}; boundary*=nonsense''x"}, b"x"),
    "truncated part": ({"Content-Type": f"{MULTIPART}; boundary=x"}, b"--x\r\nContent-Disp"),
    "unknown codec in a part": ({"Content-Type": f"{MULTIPART}; boundary=x"}, part("name*=nonsense''a")),
    "hex codec in a part": ({"Content-Type": f"{MULTIPART}; boundary=x"}, part("name*=hex''a")),
    "part without a name": ({"Content-Type": f"{MULTIPART}; boundary=x"}, part("filename=x")),
    "NUL in a name": ({"Content-Type": f"{MULTIPART}; boundary=x"}, part('name="csrfmiddlewaretoken\0"')),
    "bad base64": (
        {"Content-Type": f"{MULTIPART}; boundary=x"},
        b"--x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--x--\r\n",
    ),
    "too many parts": ({"Content-Type": f"{MULTIPART}; boundary=x"}, part("name=a")[:-6] * 1100),
    "too many files": ({"Content-Type": f"{MULTIPART}; boundary=x"}, part("name=a; filename=b")[:-6] * 300),
    "too many fields": ({"Content-Type": FORM}, b"a&" * 2000),
    "broken percent-encoding": ({"Content-Type": FORM}, b"%&%f&%zz=%ff%00&csrfmiddlewaretoken=%ff"),
    "token beyond ASCII": ({"Content-Type": FORM}, b"csrfmiddlewaretoken=" + b"%C3%A9" * 32),
    "not UTF-8": ({"Content-Type": FORM}, b"\xff\xfe=\xff"),
    "not JSON": ({"Content-Type": "application/json"}, b"\xff{"),
    "no type": ({}, b"\xff"),
    "malformed type": ({"Content-Type": ";;=\xff;\x85/"}, b"x"),
    "unknown codec in the type": ({"Content-Type": f"{FORM}; a*=nonsense''b"}, b"a=b"),
    "malformed chunk": ({"Content-Type": FORM, **CHUNKED}, b"zz\r\na=b\r\n0\r\n\r\n"),
    "truncated chunk": ({"Content-Type": FORM, **CHUNKED}, b"ff\r\na=b"),
    "chunk without end": ({"Content-Type": FORM, **CHUNKED}, b"3\r\na=bXX0\r\n\r\n"),
    "shorter than its length": ({"Content-Type": FORM, "Content-Length": "1000"}, b"a=b"),
    **{
        f"{media_type} in {charset}": ({"Content-Type": f"{media_type}; boundary=x; charset={charset}"}, b"--x--")
        for media_type in (FORM, MULTIPART, "application/json", "text/plain")
        for charset in ("utf-7", "utf-16", "x", "hex", "undefined", "idna", "punycode", "rot13", "UTF-8", "", "\x85")
    },
    "NUL in the charset": ({"Content-Type": f"{FORM}; charset*=utf-8''%00"}, b"a=b"),
}
HEADERS: dict[str, dict[str, str]] = {
    "Accept with an unknown codec": {"Accept": "application/json; a*=nonsense''b"},
    "Accept of nonsense": {"Accept": "\xff;;q=q,/,*"},
    "Accept-Language of nonsense": {"Accept-Language": "de;q=\xff,\xff-" + "x" * 4000},
    "Authorization of nonsense": {"Authorization": "Token \xff"},
    "Bearer of nonsense": {"Authorization": "Bearer \xff"},
    **{
        f"Cookies of nonsense, {prefix or 'without a prefix'}": {
            "Cookie": f'{prefix}sessionid="\\000aaaaaaaaaa"; {prefix}csrftoken="\\377"; {prefix}messages="\\000"; =;;'
        }
        for prefix in ("", "__Host-")
    },
    "Host of nonsense": {"Host": "\xff@:x"},
    "Host with an open bracket": {"Host": "[::1"},
    "Origin with an open bracket": {"Origin": "https://[::1"},
    "Referer with an open bracket": {"Referer": "https://[::1", "X-Forwarded-Proto": "https"},
    "Range of nonsense": {"Range": "bytes=9999999999999999999999-,-\xff"},
    "If-None-Match of nonsense": {"If-None-Match": 'W/"\xff, "', "If-Modified-Since": "Mon, 99 Foo 99999 99:99:99"},
    "X-Forwarded-For of nonsense": {"X-Forwarded-For": "\xff, ::1%0\xff, ,"},
    "Script name": {"SCRIPT_NAME": "/elsewhere", "PATH_INFO": "/elsewhere"},
    "HTTPS in two ways": {"X-Forwarded-Proto": "http", "X-Forwarded-Ssl": "on"},
    "Preflight of nonsense": {"Origin": "\xff", "Access-Control-Request-Method": "\xff"},
}
TARGETS = [
    "/%00",
    "/%ff%fe",
    "/login%00",
    "/admin/%00/",
    "/api/%00/",
    "/static/%00",
    "/static/..%2f..%2fsettings/base.py",
    "//evil.example.com/%2e%2e",
    "/?%ff=%00&=&&a=%",
    "/login?next=%00&next=//[::1",
    "/?" + "a&" * 1900,
    "/reset-password?token=%00",
    "/api/schema/?format=%00&version=%0a&lang=%00",
    "/api/docs/?script=%00",
    "/api/billing/payments/99999999999999999999999/",
    "/readyz?%ff",
    "*",
    "http://[::1/",
]
METHODS = ["TRACE", "PROPFIND", "OPTIONS", "CONNECT", "PUT", "PATCH", "DELETE", "HEAD", "QUERY", "X" * 20]


@pytest.fixture
def log(site: Site):
    """Provide a function that returns what was logged since the test began."""
    path = site.directory / "web.log"
    start = path.stat().st_size
    return lambda: path.read_bytes()[start:].decode(errors="replace")


def assert_refused_safely(response: RawResponse) -> None:
    """A response of the project, not one of the web server's own, has all headers."""
    assert response.status != 500, response.head
    if "Content-Security-Policy" not in response.head:
        assert response.status in (0, 400, 414, 431, 501), response.head  # gunicorn couldn't read the HTTP itself
        return
    for name in ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy"):
        assert response.header(name), response.head


@pytest.mark.parametrize("name", BODIES)
def test_unreadable_body_is_refused_everywhere(site, log, name):
    headers, body = BODIES[name]
    for path in PATHS:
        for csrf in ({}, CSRF):
            response = send_raw(site.url, request_bytes("POST", path, headers | csrf, body), ends=True)
            assert_refused_safely(response)
            assert "Content-Security-Policy" in response.head, (path, response.head)
    assert " ERROR " not in log()


@pytest.mark.parametrize("name", HEADERS)
def test_unreadable_header_is_refused_everywhere(site, log, name):
    for path in PATHS:
        for method in ("GET", "POST"):
            assert_refused_safely(send_raw(site.url, request_bytes(method, path, HEADERS[name])))
    assert " ERROR " not in log()


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=x"])
@pytest.mark.parametrize("path", PATHS)
def test_too_many_parameters_are_refused(site, log, path, charset):
    headers = {"Content-Type": f"{FORM}{charset}", **CSRF}
    assert_refused_safely(send_raw(site.url, request_bytes("POST", f"{path}?{'a&' * 1500}", headers)))
    assert " ERROR " not in log()


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=x"])
def test_multipart_form_is_read_in_every_charset(site, charset):
    body = part('name="csrfmiddlewaretoken"').replace(b"value", b"a" * 32)
    headers = {"Content-Type": f"{MULTIPART}{charset}; boundary=x", **CSRF}
    # The token is accepted, so the form was read.
    assert send_raw(site.url, request_bytes("POST", "/language", headers, body)).status == 302


@pytest.mark.parametrize("target", TARGETS)
def test_unreadable_target_is_refused(site, log, target):
    for method in ("GET", "POST"):
        assert_refused_safely(send_raw(site.url, request_bytes(method, target, CSRF)))
    assert " ERROR " not in log()


@pytest.mark.parametrize("method", METHODS)
def test_unusual_method_is_refused_everywhere(site, log, method):
    for path in PATHS:
        assert_refused_safely(send_raw(site.url, request_bytes(method, path, CSRF)))
    assert " ERROR " not in log()


def test_cookies_with_control_characters_are_dropped(rf):
    """PostgreSQL raises an error for NUL, and a quoted cookie can contain one."""
    seen: dict[str, str] = {}
    request = rf.get("/", headers={"cookie": 'sessionid="\\000aaaaaaaaaa"; a=b; c="\\012"'})
    readable_cookies_middleware(lambda request: seen.update(request.COOKIES) or HttpResponse())(request)
    assert seen == {"a": "b"}


@pytest.mark.parametrize("path", ["/login", "/api/nothing"])
def test_chunked_body_is_read(site, path):
    body = b"3\r\na=b\r\n0\r\n\r\n"
    response = send_raw(site.url, request_bytes("POST", path, {"Content-Type": FORM, **CHUNKED}, body))
    assert response.status in (403, 404)


def test_chunked_json_reaches_the_api(site):
    body = b'{"email": "nobody@example.com"}'
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    # A client of its own, because the other tests may have used up the limit of theirs.
    headers = {**CHUNKED, "X-Forwarded-For": "203.0.113.7"}
    response = send_raw(site.url, request_bytes("POST", "/api/accounts/login/", headers, chunks))
    assert response.status == 400
    assert b"password" in response.body
    assert b"email" not in response.body
