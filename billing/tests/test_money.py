"""Every amount to the letter, in the subject, the text and the html of a mail."""

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
MORE = [
    (1, "usd", "0.01 USD"),
    (-2900, "usd", "-29.00 USD"),
    (123456789, "usd", "1,234,567.89 USD"),
    (1234567, "krw", "1,234,567 KRW"),
    (10, "bhd", "0.010 BHD"),
    (99, "xxx", "0.99 XXX"),
]
NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()  # noqa: SIM905


@pytest.mark.parametrize(("amount", "currency", "shown"), [*AMOUNTS, *MORE])
def test_amount_is_formatted_for_people(amount, currency, shown):
    assert format_amount(amount, currency) == shown


@pytest.mark.parametrize("currency", NO_DECIMALS)
def test_zero_decimal_currency_has_no_decimals(currency):
    assert format_amount(5, currency) == f"5 {currency.upper()}"


@pytest.mark.parametrize("currency", ["bhd", "jod", "kwd", "omr", "tnd"])
def test_three_decimal_currency_has_three_decimals(currency):
    assert format_amount(1230, currency) == f"1.230 {currency.upper()}"


@pytest.mark.parametrize(("amount", "currency", "shown"), AMOUNTS)
def test_receipt_shows_amount_in_subject_text_and_html(db, mails, amount, currency, shown):
    post(changed(payload("invoice_paid_first"), amount_paid=amount, currency=currency, lines={"data": []}))
    [mail] = mails().values()
    assert mail.subject.endswith(f": {shown}")
    assert f"Paid: {shown}\n" in mail.message.text
    assert f">{shown}</td>" in re.sub(r"\s+", " ", mail.message.html)


@pytest.mark.parametrize(("amount", "currency", "shown"), AMOUNTS)
def test_payment_failed_email_shows_amount_everywhere(db, mails, amount, currency, shown):
    post(changed(payload("invoice_payment_failed_renewal"), amount_due=amount, currency=currency))
    [mail] = mails().values()
    assert all(shown in part for part in (mail.subject, mail.message.text, mail.message.html))


def test_separators_follow_the_language():
    with translation.override("de"):
        assert format_amount(123456789, "eur") == "1.234.567,89 EUR"
