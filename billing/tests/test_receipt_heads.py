"""The head of a receipt: who sold, who bought, and how it was paid. It shows only what the event proves."""

import pytest
from django.utils import timezone

from accounts.models import User
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post

ADDRESS = {
    "line1": "12 St James's Square",
    "line2": None,
    "city": "London",
    "state": "",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}
BUYER = {
    "customer_name": "Analytical Engines Ltd",
    "customer_address": ADDRESS,
    "customer_tax_ids": [{"type": "gb_vat", "value": "GB123456789"}, {"type": "unknown", "value": None}, 7],
}
GUEST_RECEIPT = "checkout_session_completed_payment_guest"


@pytest.fixture
def receipt(ada, queued_emails):
    """Provide a function that returns the text of the receipt for an invoice with these fields."""

    def receipt(generation="new", **values):
        post(changed(payload("invoice_paid_first", generation), **values))
        [email] = queued_emails().values()
        return email.message.text

    return receipt


@pytest.fixture
def confirmed(ada):
    User.objects.filter(pk=ada.pk).update(email_verified_at=timezone.now())


@pytest.mark.parametrize("generation", GENERATIONS)
def test_receipt_names_both_companies(receipt, confirmed, settings, generation):
    settings.BRAND_ADDRESS, settings.BRAND_TAX_ID = "1 Example Street, Springfield", "EU372000041"
    text = receipt(generation, **BUYER)
    assert "\nFrom: Acme\n1 Example Street, Springfield\nTax ID: EU372000041\n\n" in text
    assert (
        "\nBilled to: Analytical Engines Ltd\n12 St James's Square\nLondon SW1Y 4JH\nUnited Kingdom\nGB123456789\n"
        "ada@own.example\n\n" in text
    )
    assert "\nInvoice number: 8E3F2A91-0001\nDate: Nov. 2, 2026\nPlan: Pro\n" in text


def test_country_is_in_the_language_of_the_receipt(receipt, confirmed):
    User.objects.update(language="de")
    german = {"line1": "Allee 1", "city": "Köln", "postal_code": "50667", "country": "de"}
    assert "Rechnung an: Ada Byron\nAllee 1\n50667 Köln\nDeutschland\n" in receipt(customer_address=german)


@pytest.mark.parametrize(
    ("address", "lines"),
    [
        ({"city": "Springfield", "state": "IL", "postal_code": "62701", "country": "US"}, "Springfield, IL 62701"),
        ({"city": "Milano", "state": "MI", "postal_code": "20121", "country": "IT"}, "20121 Milano, MI"),
        ({"postal_code": "94107", "country": "US"}, "94107\nUnited States"),
        ({"country": "ZZZ"}, "ZZZ"),
        ({"line1": 7, "city": ["x"]}, "ada@own.example"),
        ("a string", "ada@own.example"),
        (None, "ada@own.example"),
    ],
)
def test_whatever_is_known_of_an_address_is_shown(receipt, confirmed, address, lines):
    assert f"Billed to: Ada Byron\n{lines}\n" in receipt(customer_address=address)


def test_unconfirmed_inbox_gets_no_text_of_a_stranger(receipt):
    """Anyone can enter someone else's email address and any name and postal address at Stripe."""
    text = receipt(**BUYER)
    assert "\nBilled to: ada@own.example\n\n" in text
    assert "Analytical" not in text


def test_guest_gets_no_text_of_a_stranger(db, queued_emails):
    details = {"address": ADDRESS, "email": "guest@example.net", "name": "Call this number", "tax_ids": []}
    post(changed(payload(GUEST_RECEIPT), customer_details=details))
    [email] = queued_emails().values()
    assert "\nBilled to: guest@example.net\n" in email.message.text
    assert "Call this number" not in email.message.text + email.message.html


PROVEN = [
    ({"payment_settings": {"payment_method_types": ["card"]}}, "Card"),
    ({"payment_settings": {"payment_method_types": ["paypal"]}}, "PayPal"),
    ({"charge": {"id": "ch_1", "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}}}},
     "Visa •••• 4242"),
    ({"charge": {"id": "ch_1", "payment_method_details": {"type": "sepa_debit", "sepa_debit": {"last4": "3000"}}}},
     "SEPA direct debit"),
]  # fmt: skip
NOT_PROVEN = [
    {},
    {"payment_settings": {"payment_method_types": None}},
    {"payment_settings": {"payment_method_types": ["card", "sepa_debit"]}},
    {"payment_settings": {"payment_method_types": ["some_new_type"]}},
    {"payment_settings": {"payment_method_types": [7]}},
    {"payment_settings": {"payment_method_types": [["card"]]}},
    {"payment_settings": {"payment_method_types": ["card"]}, "paid_out_of_band": True},
    {"payment_settings": {"payment_method_types": ["card"]}, "amount_paid_off_stripe": 2900},
    {"default_payment_method": "pm_1", "payment_settings": "x"},
    {"charge": {"id": "ch_1", "payment_method_details": {"type": {"x": 1}, "card": "visa"}}},
]


@pytest.mark.parametrize(("values", "method"), PROVEN)
def test_known_payment_method_is_shown(receipt, values, method):
    assert f"\nPayment method: {method}\n" in receipt(**values)


@pytest.mark.parametrize("values", NOT_PROVEN)
def test_unknown_payment_method_is_not_shown(receipt, values):
    assert "Payment method" not in receipt(**values)


def test_sale_shows_its_only_payment_method(db, queued_emails):
    post(payload(GUEST_RECEIPT))
    [email] = queued_emails().values()
    assert "\nPayment method: Card\n" in email.message.text
