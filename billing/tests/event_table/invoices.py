"""Invoices: payments, failures, and corrections."""

from billing.tests.event_table import Row

ROWS = {
    "invoice.paid": Row(
        "first-payment",
        "records a payment; an incomplete subscription becomes active",
        after={"payment.status": "paid", "payment.amount": 2900, "subscription.status": "active"},
        emails={"receipt": "receipt:<in_…>"},
    ),
    "invoice.payment_succeeded": Row(
        "succeeded",
        "records a payment; an incomplete subscription becomes active",
        after={"payment.status": "paid", "payment.amount": 2900, "subscription.status": "active"},
        emails={"receipt": "receipt:<in_…>"},
    ),
    "invoice.payment_failed": Row(
        "dunning",
        "records a failed payment",
        after={"payment.status": "failed", "payment.attempt": 1},
        emails={"payment_failed": "dunning:<in_…>:<attempt>"},
    ),
    "invoice.payment_action_required": Row(
        "action-required",
        "records a failed payment",
        after={"payment.status": "failed", "payment.attempt": 1},
        emails={"payment_action_required": "dunning:<in_…>:<attempt>"},
    ),
    "invoice.voided": Row(
        "invoice-voided",
        "the payment is canceled, and no further attempt is shown",
        after={"payment.status": "canceled", "payment.next_attempt_at": None},
    ),
    "invoice.marked_uncollectible": Row(
        "dunning-canceled",
        "the payment is written off, and no further attempt is shown",
        after={"payment.status": "uncollectible"},
        stays={"payment.next_attempt_at": None},
    ),
    "invoice_payment.paid": Row("purchase", "stores which payment intent paid an invoice", after={"linked": 1}),
}
