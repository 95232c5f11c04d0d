"""The lines of a receipt and the amounts below them add up to what was paid, to the cent."""

import re
from decimal import Decimal
from typing import Any

import pytest

from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post

RECEIPT = "receipt:in_1SPb7xKq4RtYw2VdA1b2C3d4"

pytestmark = pytest.mark.parametrize("generation", GENERATIONS)


@pytest.fixture
def receipt(ada, queued_emails, generation):
    """Provide a function that returns the text of the receipt for an invoice with these fields and lines."""

    def receipt(*amounts, **values):
        invoice = payload("invoice_paid_first", generation)
        [line] = invoice["data"]["object"]["lines"]["data"]
        lines = [line | {"amount": amount} for amount in amounts or (2900,)]
        post(changed(invoice, lines={"data": lines, "has_more": values.pop("has_more", False)}, **values))
        return queued_emails()[RECEIPT].message.text

    return receipt


def taxes(generation, *rows):
    """Return taxes as a generation writes them: ``(463, True)`` is included in the lines."""
    if generation == "new":
        return {"total_taxes": [{"amount": a, "tax_behavior": "inclusive" if i else "exclusive"} for a, i in rows]}
    return {"tax": sum(a for a, _ in rows), "total_tax_amounts": [{"amount": a, "inclusive": i} for a, i in rows]}


def sum_of_rows(text):
    """Return the sum of all amounts above "Paid", in cents."""
    rows = re.findall(r"^[^\n]+: (-?)\$([\d,.]+)$", text.partition("Paid:")[0], re.MULTILINE)
    return sum(int(Decimal(sign + amount.replace(",", "")) * 100) for sign, amount in rows)


def test_included_tax_stands_below_the_sum(receipt, generation):
    text = receipt(**taxes(generation, (463, True)))
    assert "(at $29.00 / month): $29.00\nPaid: $29.00\nIncluding tax: $4.63\n" in text
    assert "\nTax:" not in text


def test_tax_on_top_stands_above_the_sum(receipt, generation):
    text = receipt(**taxes(generation, (551, False)), amount_paid=3451)
    assert "\nTax: $5.51\nPaid: $34.51\n" in text
    assert "Including" not in text


def test_both_kinds_of_tax_are_two_rows(receipt, generation):
    text = receipt(**taxes(generation, (463, True), (100, False)), amount_paid=3000)
    assert "\nTax: $1.00\nPaid: $30.00\nIncluding tax: $4.63\n" in text


@pytest.mark.parametrize(("paid", "expected"), [(3363, "\nTax: $4.63\nPaid"), (2900, "\nIncluding tax: $4.63")])
def test_tax_of_unknown_kind_is_where_it_adds_up(receipt, generation, paid, expected):
    new, old = {"total_taxes": [{"amount": 463}]}, {"tax": 463, "total_tax_amounts": []}
    assert expected in receipt(amount_paid=paid, **(new if generation == "new" else old))


REDUCTIONS: dict[str, dict[str, Any]] = {
    "Discount: -$5.00": {"total_discount_amounts": [{"amount": 500}]},
    "Credit: -$5.00": {"starting_balance": -500, "ending_balance": 0},
    "Credit notes: -$5.00": {"pre_payment_credit_notes_amount": 500},
    "Granted credit: -$3.00": {
        "total_pretax_credit_amounts": [
            {"amount": 300, "type": "credit_balance_transaction"},
            {"amount": 200, "type": "discount"},
        ],
        "total_discount_amounts": [{"amount": 200}],
    },
}


@pytest.mark.parametrize("row", REDUCTIONS)
def test_everything_that_lowers_an_invoice_has_a_row(receipt, generation, row):
    text = receipt(amount_paid=2400, **REDUCTIONS[row])
    assert f"\n{row}\n" in text
    assert sum_of_rows(text) == 2400


def test_earlier_amount_is_added(receipt, generation):
    text = receipt(amount_paid=3100, starting_balance=200, ending_balance=0)
    assert "Left over from earlier invoices: $2.00\nPaid: $31.00" in text


def test_all_rows_together_add_up(receipt, generation):
    values = taxes(generation, (513, False)) | {"total_discount_amounts": [{"amount": 100}, {"amount": 100}]}
    text = receipt(2900, -1450, 4950, **values, starting_balance=-300, ending_balance=-100, amount_paid=6513)
    assert sum_of_rows(text) == 6513
    assert "Paid: $65.13" in text


def test_lines_that_do_not_add_up_are_left_out(receipt, generation):
    text = receipt(2900, 100, amount_paid=2900)
    assert "Paid: $29.00" in text
    assert text.count("$") == 1


def test_first_lines_of_many_add_up_with_the_rest(receipt, generation):
    text = receipt(*[100] * 10, has_more=True, subtotal=2900)
    assert "See the invoice for more items." in text


def test_sale_includes_its_tax(db, queued_emails, generation):
    sale = payload("checkout_session_completed_payment_guest", generation)
    post(changed(sale, total_details={"amount_tax": 463, "amount_discount": 0}))
    [email] = queued_emails().values()
    assert "Paid: €52.92\nIncluding tax: €4.63\n" in email.message.text
