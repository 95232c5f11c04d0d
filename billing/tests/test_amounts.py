"""Formatting of amounts, also in the subject, text, and HTML of an email."""

import re

import pytest
from babel.numbers import list_currencies
from django.utils import translation

from billing.tests.support.stripe_events import changed, payload, post
from common.money import format_amount

AMOUNTS = [
    (2900, "usd", "$29.00"),
    (500, "jpy", "¥500"),
    (5120, "kwd", "KWD 5.120"),
    (500, "isk", "ISK 5"),
    (500, "ugx", "UGX 5"),
    (1045, "huf", "HUF 10.45"),
    (1045, "twd", "NT$10.45"),
]
MORE_AMOUNTS = [
    (1, "usd", "$0.01"),
    (-2900, "usd", "-$29.00"),
    (123456789, "usd", "$1,234,567.89"),
    (1234567, "krw", "₩1,234,567"),
    (10, "bhd", "BHD 0.010"),
    (99, "xxx", "XXX 0.99"),
]
NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()  # noqa: SIM905


@pytest.mark.parametrize(("amount", "currency", "formatted"), [*AMOUNTS, *MORE_AMOUNTS])
def test_amount_is_formatted_for_people(amount, currency, formatted):
    assert format_amount(amount, currency) == formatted


@pytest.mark.parametrize("currency", NO_DECIMALS)
def test_zero_decimal_currency_has_no_decimals(currency):
    assert digits(format_amount(5, currency)) == "5"


@pytest.mark.parametrize("currency", ["bhd", "jod", "kwd", "omr", "tnd"])
def test_three_decimal_currency_has_three_decimals(currency):
    assert digits(format_amount(1230, currency)) == "1.230"


@pytest.mark.parametrize("currency", ["xof", "xaf"])
def test_shared_symbol_gives_way_to_the_code(currency):
    # Both are written as "F CFA" or "FCFA".
    assert format_amount(500, currency) == f"{currency.upper()} 500"


def test_each_amount_names_one_currency():
    codes = [code.lower() for code in list_currencies("en")]
    assert len({format_amount(2900, code) for code in codes}) == len(codes)


@pytest.mark.parametrize(("amount", "currency", "formatted"), AMOUNTS)
def test_receipt_shows_amount_in_subject_text_and_html(db, queued_emails, amount, currency, formatted):
    post(changed(payload("invoice_paid_first"), amount_paid=amount, currency=currency, lines={"data": []}))
    [email] = queued_emails().values()
    assert email.subject.endswith(f": {formatted}")
    assert f"Paid: {formatted}\n" in email.message.text
    assert f">{formatted}</td>" in re.sub(r"\s+", " ", email.message.html)


@pytest.mark.parametrize(("amount", "currency", "formatted"), AMOUNTS)
def test_payment_failed_email_shows_amount_everywhere(db, queued_emails, amount, currency, formatted):
    post(changed(payload("invoice_payment_failed_renewal"), amount_due=amount, currency=currency))
    [email] = queued_emails().values()
    assert all(formatted in part for part in (email.subject, email.message.text, email.message.html))


@pytest.mark.parametrize(
    ("language", "amount", "currency", "formatted"),
    [
        ("de", 2900, "eur", "29,00 €"),
        ("de", 123456789, "eur", "1.234.567,89 €"),
        ("de", 8700, "jpy", "8.700 ¥"),
        ("de", 5120, "kwd", "5,120 KWD"),
        ("de", 500, "isk", "5 ISK"),
        ("en", 8700, "jpy", "¥8,700"),
        ("pt-br", 2900, "usd", "US$ 29,00"),
        ("sv", 123456789, "sek", "1 234 567,89 kr"),
        ("tlh", 2900, "usd", "$29.00"),  # Babel doesn't know this language
        (None, 2900, "usd", "$29.00"),
    ],
)
def test_amount_is_written_as_in_the_language(language, amount, currency, formatted):
    with translation.override(language):
        assert format_amount(amount, currency) == formatted


def digits(text: str) -> str:
    return "".join(character for character in text if character.isdecimal() or character == ".").strip(".")
