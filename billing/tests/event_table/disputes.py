"""Disputes and early fraud warnings. The customer hears nothing of them, but staff do."""

from billing.tests.event_table import Row

NOTICE = {"dispute_notice": "dispute:<du_…>:<step>:<address>"}
WARNING = {"fraud_notice": "fraud_warning:<issfr_…>:<address>"}
UPDATES = "updates the dispute's status, and logs it"

ROWS = {
    "charge.dispute.created": Row(
        "dispute",
        "marks the payment as disputed, and may suspend access; logs an error",
        after={"payment.dispute_status": "needs_response", "payment.is_disputed": True},
        emails=NOTICE,
        to_staff=True,
        logs="ERROR",
    ),
    "charge.dispute.updated": Row(
        "dispute-known-by-update",
        UPDATES,
        after={"payment.dispute_status": "under_review"},
        emails=NOTICE,
        to_staff=True,
        logs="ERROR",
    ),
    "charge.dispute.funds_withdrawn": Row(
        "dispute-known-by-withdrawal",
        UPDATES,
        after={"payment.dispute_status": "needs_response"},
        emails=NOTICE,
        to_staff=True,
        logs="ERROR",
    ),
    "charge.dispute.funds_reinstated": Row(
        "dispute-won-out-of-order",
        UPDATES,
        after={"payment.dispute_status": "won", "payment.is_disputed": False},
        emails=NOTICE,
        to_staff=True,
        logs="INFO",
    ),
    "charge.dispute.closed": Row(
        "dispute-won",
        "a dispute that was won no longer marks the payment",
        after={"payment.dispute_status": "won", "payment.is_disputed": False},
        emails=NOTICE,
        to_staff=True,
        logs="INFO",
    ),
    "radar.early_fraud_warning.created": Row(
        "early-fraud-warning",
        "marks the payment for staff, and logs a warning",
        after={"payment.has_fraud_warning": True},
        emails=WARNING,
        to_staff=True,
        logs="WARNING",
    ),
    "radar.early_fraud_warning.updated": Row(
        "warning-known-by-update",
        "updates the warning",
        after={"payment.has_fraud_warning": True},
        emails=WARNING,
        to_staff=True,
        logs="WARNING",
    ),
}
