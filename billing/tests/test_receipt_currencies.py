"""Receipts and refunds add up in every currency, with its own number of decimals, for both kinds of tax."""

import re
from decimal import Decimal

import pytest
from django.db import transaction

from billing.models import Payment
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all
from billing.tests.test_receipt_sums import taxes
from billing.tests.test_refunds import refund, refund_amounts
from common.money import SHOWN_WHOLE, exponent

CURRENCIES = ("usd", "eur", "gbp", "chf", "huf", "twd", "jpy", "krw", "vnd", "kwd", "tnd", "isk", "ugx")
AMOUNT = re.compile(r"(-?)[^\d\n-]*([\d,]+(?:\.\d+)?)")


def minor_units(text, currency):
    """Return the amount in the text, such as ``-KWD 5.120``, in Stripe's minor units."""
    [(sign, digits)] = AMOUNT.findall(text)
    amount = Decimal(sign + digits.replace(",", "")).scaleb(exponent(currency))
    assert amount == int(amount), text
    return int(amount)


def rows_of(text, currency):
    """Return the amounts of the rows above "Paid", and the amount that was paid."""
    above, _, below = text.partition("Paid: ")
    rows = [row.rpartition(": ")[2] for row in above.splitlines() if re.search(r": -?\D{0,5}\d[\d,.]*$", row)]
    return [minor_units(row, currency) for row in rows], minor_units(below.splitlines()[0], currency)


def one(currency):
    """Return the smallest amount that Stripe can charge in this currency: 100 where the last two digits are zero."""
    return 100 if currency.upper() in SHOWN_WHOLE else 1


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("is_inclusive", [True, False])
def test_receipt_adds_up(ada, queued_emails, generation, is_inclusive):
    """A change of plan: a whole period, a part of one, and a credit, a discount, credit notes, and older credit."""
    invoice = payload("invoice_paid_first", generation)
    [line] = invoice["data"]["object"]["lines"]["data"]
    for currency in CURRENCIES:
        unit = one(currency)
        amounts = [9917 * unit, 4951 * unit, -1483 * unit]
        tax, discount, balance, notes = 1111 * unit, 501 * unit, -307 * unit, 203 * unit
        paid = sum(amounts) + (0 if is_inclusive else tax) - discount + balance - notes
        values = taxes(generation, (tax, is_inclusive)) | {
            "id": f"in_{currency}",
            "currency": currency,
            "lines": {"data": [line | {"amount": amount} for amount in amounts], "has_more": False},
            "total_discount_amounts": [{"amount": discount}],
            "pre_payment_credit_notes_amount": notes,
            "starting_balance": balance,
            "ending_balance": 0,
            "amount_paid": paid,
        }
        post(changed(invoice, **values))
        text = queued_emails()[f"receipt:in_{currency}"].message.text
        rows, shown = rows_of(text, currency)
        assert (sum(rows), shown) == (paid, paid)
        assert len(rows) == len(amounts) + (3 if is_inclusive else 4)
        assert ("Including tax: " in text) == is_inclusive


@pytest.mark.parametrize("generation", GENERATIONS)
def test_partial_refunds_add_up_to_the_payment(ada, queued_emails, generation):
    for currency in CURRENCIES:
        with transaction.atomic():
            total = 2900 * one(currency)
            paid = changed(payload("invoice_paid_first", generation), currency=currency, amount_paid=total)
            parts = [total // 29, total // 29 * 7, total // 29 * 21]
            refunds = [refund(number, part, currency=currency) for number, part in enumerate(parts)]
            post_all([paid, payload("invoice_payment_paid"), *refunds[:2]])
            payment = Payment.objects.get()
            assert minor_units(payment.display_amount_refunded, currency) == payment.amount_refunded == sum(parts[:2])
            post(refunds[2])
            payment = Payment.objects.get()
            reported = [minor_units(text, currency) for text in refund_amounts(queued_emails).values()]
            assert sorted(reported) == sorted(parts)
            assert sum(reported) == payment.amount == payment.amount_refunded == total
            assert payment.display_amount_refunded == payment.display_amount
            transaction.set_rollback(True)
