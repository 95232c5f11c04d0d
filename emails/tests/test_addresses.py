"""Parsing and formatting of a single email address."""

import pytest

from emails.errors import InvalidHeader, InvalidMessage
from emails.message.address import Address, without_repeats


@pytest.mark.parametrize(
    ("text", "name", "email"),
    [
        ("ada@example.com", "", "ada@example.com"),
        ("  <ada@example.com> ", "", "ada@example.com"),
        ("Ada Lovelace <ada@example.com>", "Ada Lovelace", "ada@example.com"),
        ('"Lovelace, Ada" <ada@example.com>', "Lovelace, Ada", "ada@example.com"),
        ("Acme, Inc. <ada@example.com>", "Acme, Inc.", "ada@example.com"),
        (r'"Ada \"the first\"" <ada@example.com>', 'Ada "the first"', "ada@example.com"),
        ('Ada "the first" <ada@example.com>', 'Ada "the first"', "ada@example.com"),
        ('"evil@example.com <x@y.z>" <ada@example.com>', "evil@example.com <x@y.z>", "ada@example.com"),
        ("O'Brien <ada@example.com>", "O'Brien", "ada@example.com"),
        ("Ada 🎉 <ada@example.com>", "Ada 🎉", "ada@example.com"),
        ("=?utf-8?q?Andr=C3=A9?= <ada@example.com>", "André", "ada@example.com"),
        ("=?utf-8?b?8J+OiSwgQWRh?= <ada@example.com>", "🎉, Ada", "ada@example.com"),
        ("=?unknown?q?x?= <ada@example.com>", "=?unknown?q?x?=", "ada@example.com"),
        ("ada@BÜCHER.example", "", "ada@xn--bcher-kva.example"),
        ("ada@straße.example", "", "ada@xn--strae-oqa.example"),
        ("jürgen@example.com", "", "jürgen@example.com"),
        ('"ada lovelace"@example.com', "", '"ada lovelace"@example.com'),
        ("root@localhost", "", "root@localhost"),
        ("ada@[192.0.2.1]", "", "ada@[192.0.2.1]"),
        ("ada@example.com <ada@example.com>", "", "ada@example.com"),
        ("Ada@Example.com  <ada@example.com>", "", "ada@example.com"),
        ("ada@bücher.example <ada@bücher.example>", "", "ada@xn--bcher-kva.example"),
    ],
)
def test_address_is_parsed_like_in_an_email_client(text, name, email):
    assert Address.parse(text) == Address(name, email)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@b@example.com",
        "ada lovelace@example.com",
        "a@example.com, b@example.com",
        "evil@example.com <ada@example.com>",
        "Ada <ada@example.com",
        "Ada <ada@example.com> <b@example.com>",
        "ada@example.com (a comment)",
        "undisclosed-recipients:;",
        "ada@-example.com",
        "ada@example..com",
        "ada@ü..example",
        "ada@☃.example",
        "a" * 2000 + "@example.com",
    ],
)
def test_invalid_address_is_refused(text):
    with pytest.raises(InvalidMessage):
        Address.parse(text)


@pytest.mark.parametrize("name", ["Ada\r\nBcc: x@example.com", "Ada\x00", "=?utf-8?q?Ada=0D=0ABcc:_x?="])
def test_display_name_cannot_inject_header(name):
    with pytest.raises(InvalidHeader):
        Address.parse(f"{name} <ada@example.com>")


@pytest.mark.parametrize("name", ["Lovelace, Ada", 'Ada "the first" \\', "Ada 🎉", "a@b <c>", "J. R."])
def test_formatted_address_parses_back_to_itself(name):
    address = Address(name, "ada@example.com")
    assert Address.parse(str(address)) == address


def test_repeated_address_is_kept_in_first_field():
    parse = Address.parse
    to, cc, bcc = without_repeats(
        [parse("A <a@x.example>"), parse("A@X.example")],
        [parse("b@x.example"), parse("a@x.example")],
        [parse("B@x.example"), parse("c@x.example")],
    )
    assert to == (parse("A <a@x.example>"),)
    assert cc == (parse("b@x.example"),)
    assert bcc == (parse("c@x.example"),)
