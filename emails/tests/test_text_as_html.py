"""Plain text that becomes HTML at Sequenzy, which has no field for text."""

import html
import re

import pytest

from emails.tests.support.messages import mail, sent

TEXTS = [
    "Read https://wiki.example/Venus_(planet) first",
    "Item      Price\n------    -----\n  Tea     3.00\n    Milk    1.00",
    "a\tb\tc\n\tindented",
    " one space in front",
    "three   spaces   between",
    "-- \nSignature",
    "a <b> & 'c' \"d\"",
    "line\r\nbreaks\rof\nall kinds",
    "\n\nempty lines\n\n\nbetween\n",
    "(see https://acme.example/a_(b)), or [https://acme.example/c]!",
    "no\u00a0break",
]


def shown(body: str) -> str:
    """The text that an email client shows: white space is folded, and line breaks are <br>."""
    folded = re.sub(r"[ \t\n\r]+", " ", body)
    lines = [re.sub(r"<[^>]*>", "", line).strip(" ") for line in folded.split("<br>")]
    return html.unescape("\n".join(lines)).replace("\u00a0", " ")


@pytest.mark.parametrize("text", TEXTS)
def test_text_looks_as_it_was_written(provider_api, text):
    body = sent("sequenzy", provider_api, mail(body=text))["body"]
    expected = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs().replace("\u00a0", " ")
    assert shown(body) == expected


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("https://wiki.example/Venus_(planet) first", ["https://wiki.example/Venus_(planet)"]),
        ("(https://wiki.example/Venus_(planet))", ["https://wiki.example/Venus_(planet)"]),
        ("(see https://acme.example/a)", ["https://acme.example/a"]),
        ("https://acme.example/a).", ["https://acme.example/a"]),
        ("https://acme.example/?q=[1]&r={2}.", ["https://acme.example/?q=[1]&r={2}"]),
        ("[https://acme.example/a], <https://acme.example/b>", ["https://acme.example/a", "https://acme.example/b"]),
        ("https://acme.example/((a))", ["https://acme.example/((a))"]),
        ("https://acme.example/a(b", ["https://acme.example/a(b"]),
        ("https://acme.example/?!.", ["https://acme.example/"]),
        ("https://... and http://:", []),
    ],
)
def test_link_ends_where_the_url_ends(provider_api, text, links):
    body = sent("sequenzy", provider_api, mail(body=text))["body"]
    assert [html.unescape(link) for link in re.findall(r'<a href="([^"]*)">', body)] == links


def test_text_after_a_link_follows_it(provider_api):
    body = sent("sequenzy", provider_api, mail(body=TEXTS[0]))["body"]
    assert body == (
        '<div>Read <a href="https://wiki.example/Venus_(planet)">https://wiki.example/Venus_(planet)</a> first</div>'
    )


def test_many_brackets_take_no_quadratic_time(provider_api):
    """A quadratic search would take minutes here."""
    url = "https://acme.example/" + "(" * 100_000 + ")" * 200_000
    assert sent("sequenzy", provider_api, mail(body=url))["body"].count("<a ") == 1
