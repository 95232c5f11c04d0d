"""One payment, one receipt, whichever of Stripe's events tell of it."""

import pytest

from billing.tests.stories import GENERATIONS, payload, post

FIRST_PAYMENT = [
    "checkout_session_completed_subscription", "invoice_paid_first", "invoice_payment_succeeded_first",
    "customer_subscription_created",
]  # fmt: skip


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_paid_invoice_becomes_a_receipt(ada, mails, generation):
    assert post(payload("invoice_paid_first", generation)).status_code == 200
    [(key, mail)] = mails().items()
    assert key == "receipt:in_1SPb7xKq4RtYw2VdA1b2C3d4"
    assert mail.recipients == "ada@own.example"
    assert "29.00 USD" in mail.subject
    print(mail.message.text)
