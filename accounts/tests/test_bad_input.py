"""Sign-up refuses invalid fields and bodies, each with an explanation, and then creates no user and sends no email.

Each case in ``FIELDS`` changes some fields of a valid sign-up, ``ADA``, and lists the fields that the response names.
"""

import json

import pytest

from accounts.models import User
from accounts.tests.support.users import ADA

ABSENT = "(absent)"
FIELDS = [
    (dict.fromkeys(ADA, ABSENT), {"email", "name", "password"}),
    ({"email": ABSENT}, {"email"}),
    ({"name": ABSENT}, {"name"}),
    ({"password": ABSENT}, {"password"}),
    ({"is_staff": True}, {"is_staff"}),
    ({"is_superuser": True, "email_verified_at": "2026-01-01"}, {"is_superuser", "email_verified_at"}),
    ({"id": 1, "name": ""}, {"id", "name"}),
    ({"email": None}, {"email"}),
    ({"email": ["ada@example.com"]}, {"email"}),
    ({"email": {"a": 1}}, {"email"}),
    ({"email": True}, {"email"}),
    ({"email": "ada"}, {"email"}),
    ({"email": "a" * 288 + "@example.com"}, {"email"}),
    # The time that IDNA encoding takes grows with the square of the length.
    ({"email": "ada@" + "ü" * 5_000 + ".example"}, {"email"}),
    ({"email": "ada@example.com\nBcc: eve@example.com"}, {"email"}),
    ({"email": "ada@example.com,eve@example.com"}, {"email"}),
    ({"email": "Ada <ada@example.com>"}, {"email"}),
    # RFC 5322 allows quoted mailboxes and IP addresses, but providers refuse them.
    ({"email": '"\x01"@example.com'}, {"email"}),
    ({"email": '"ada"@example.com'}, {"email"}),
    ({"email": "ada@[127.0.0.1]"}, {"email"}),
    # IDNA 2008 doesn't allow symbols such as a heart.
    ({"email": "ada@\u2764.example"}, {"email"}),
    # PostgreSQL can't store NUL, and UTF-8 can't encode half of a surrogate pair.
    ({"email": "ada\x00@example.com"}, {"email"}),
    ({"email": "ada\ud800@example.com"}, {"email"}),
    ({"email": "ada@\ud800.com"}, {"email"}),
    ({"name": "A" * 61}, {"name"}),
    ({"name": "   "}, {"name"}),
    # Emails contain the name, and a line break in a header could start another header.
    ({"name": "Ada\r\nBcc: eve@example.com"}, {"name"}),
    ({"name": "Ada\n"}, {"name"}),
    ({"name": "Ada\u2028"}, {"name"}),
    ({"name": "A\x00da"}, {"name"}),
    ({"name": "A\x1bda"}, {"name"}),
    ({"name": "\udfff"}, {"name"}),
    ({"name": ["Ada"]}, {"name"}),
    # Spammers sign strangers up under such names, and the welcome email would carry the link to the stranger.
    ({"name": "https://evil.example/free"}, {"name"}),
    ({"name": "Win at evil.example"}, {"name"}),
    ({"name": "WWW.evil"}, {"name"}),
    # Some email programs read a full-width period as a period, and ignore zero-width spaces.
    ({"name": "evil\uff0eexample"}, {"name"}),
    ({"name": "ev\u200bil.\u200bexample"}, {"name"}),
    ({"name": "call 192.0.2.1"}, {"name"}),
    ({"password": "x" * 129}, {"password"}),
    ({"password": "correct horse\x00"}, {"password"}),
    ({"password": {"$ne": ""}}, {"password"}),  # an injection that works on MongoDB
]


@pytest.mark.parametrize(("changes", "fields"), FIELDS, ids=[repr(changes)[:60] for changes, _ in FIELDS])
def test_invalid_field_is_named(post, sent_emails, changes, fields):
    data = {name: value for name, value in {**ADA, **changes}.items() if value != ABSENT}
    response = post("signup/", json.dumps(data))
    assert (response.status_code, set(response.json())) == (400, fields)
    assert (User.objects.count(), sent_emails) == (0, [])


BODIES = {
    "nothing": b"",
    "no JSON": b"email=ada@example.com&name=Ada",
    "a list": b"[]",
    "a string": b'"ada"',
    "a number": b"1",
    "null": b"null",
    "not a number": b'{"email": NaN}',
    "the same key twice": b'{"email": "a@example.com", "email": "b@example.com"}',
    "deep": b"[" * 60_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a huge integer": b'{"email": ' + b"9" * 5_000 + b"}",
    "a huge float": b'{"email": 1e999, "name": -1e999}',
    "half a character in a key": b'{"\\ud800": 1}',
    "NUL in a key": b'{"\\u0000": 1}',
    "NUL": b"\x00",
    "invalid UTF-8": b'{"email": "\xff"}',
    "UTF-16": '{"email": "a"}'.encode("utf-16"),
    "64 kB and one byte": b" " * (64 * 1024 + 1),
    "10 MB": json.dumps({**ADA, "name": "A" * 10_000_000}).encode(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("path", ["signup/", "login/", "email/verify/"])
def test_invalid_body_is_refused_with_an_explanation(post, sent_emails, path, body):
    response = post(path, body)
    assert response.status_code == 400
    assert response.json()
    assert (User.objects.count(), sent_emails) == (0, [])


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_list_is_refused_whatever_its_content_type(client, db, content_type):
    response = client.generic("POST", "/api/accounts/signup/", b"[1]", content_type=content_type)
    assert (response.status_code, list(response.json())) == (400, ["non_field_errors"])


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "{{ name }}{% debug %}",
        "Miles O'Brien",
        "Ada 👩🏽‍💻",
        "עדה לאבלייס",
        "J. R. R. Tolkien",
        "Łukasz-Śmigły Jr.",
    ],
)
def test_unusual_names_are_accepted(post, name):
    assert post("signup/", {**ADA, "name": name}).json()["user"]["name"] == name
