"""Checkout sessions."""

from accounts.models import User
from billing.models import Checkout
from billing.testing.stories.performance import Performance
from billing.tests.event_table import Row


def open_checkout(played: Performance) -> None:
    """Store the checkout that opened the story's session."""
    session_id = played.ids["session", "first"]
    Checkout.objects.create(user=User.objects.get(), plan="pro", price_id="price_1", session_id=session_id)


ROWS = {
    "checkout.session.completed": Row(
        "one-time-purchase",
        "a sale without an invoice becomes a payment",
        after={"payment.status": "paid", "payment.amount": 2900},
        emails={"receipt": "receipt:<cs_…>"},
    ),
    "checkout.session.async_payment_succeeded": Row(
        "bank-debit",
        "a sale without an invoice becomes a payment",
        after={"payment.status": "paid", "payment.amount": 2900},
        emails={"receipt": "receipt:<cs_…>"},
    ),
    "checkout.session.async_payment_failed": Row(
        "bank-debit-failure",
        "records a failed payment",
        after={"payment.status": "failed"},
        emails={"checkout_failed": "failed:<cs_…>"},
    ),
    "checkout.session.expired": Row(
        "checkout-abandoned",
        "the next checkout creates a new session",
        after={"checkouts": 0},
        prepare=open_checkout,
    ),
}
