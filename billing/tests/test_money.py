"""Formatting of amounts, also in the subject, text, and HTML of an email."""

import re

import pytest
from django.utils import translation

from billing.money import format_amount
from billing.tests.support.stripe_events import changed, payload, post

AMOUNTS = [
    (2900, "usd", "29.00 USD"),
    (500, "jpy", "500 JPY"),
    (5120, "kwd", "5.120 KWD"),
    (500, "isk", "5 ISK"),
    (500, "ugx", "5 UGX"),
    (1045, "huf", "10.45 HUF"),
    (1045, "twd", "10.45 TWD"),
]
MORE_AMOUNTS = [
    (1, "usd", "0.01 USD"),
    (-2900, "usd", "-29.00 USD"),
    (123456789, "usd", "1,234,567.89 USD"),
    (1234567, "krw", "1,234,567 KRW"),
    (10, "bhd", "0.010 BHD"),
    (99, "xxx", "0.99 XXX"),
]
NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()  # noqa: SIM905


@pytest.mark.parametrize(("amount", "currency", "formatted"), [*AMOUNTS, *MORE_AMOUNTS])
def test_amount_is_formatted_for_people(amount, currency, formatted):
    assert format_amount(amount, currency) == formatted


@pytest.mark.parametrize("currency", NO_DECIMALS)
def test_zero_decimal_currency_has_no_decimals(currency):
    assert format_amount(5, currency) == f"5 {currency.upper()}"


@pytest.mark.parametrize("currency", ["bhd", "jod", "kwd", "omr", "tnd"])
def test_three_decimal_currency_has_three_decimals(currency):
    assert format_amount(1230, currency) == f"1.230 {currency.upper()}"


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


def test_separators_follow_the_language():
    with translation.override("de"):
        assert format_amount(123456789, "eur") == "1.234.567,89 EUR"
