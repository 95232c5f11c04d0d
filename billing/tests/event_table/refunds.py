"""Refunds and disputes."""

from billing.tests.event_table import Row

ROWS = {
    "refund.created": Row(
        "refund",
        "records the refund, which counts once it has succeeded",
        after={"payment.amount_refunded": 2900},
        emails={"refund": "refund:<re_…>"},
    ),
    "refund.updated": Row(
        "refund-partial",
        "records the refund's newest status",
        after={"payment.amount_refunded": 1000},
        emails={"refund": "refund:<re_…>"},
    ),
    "refund.failed": Row(
        "refund-failed",
        "the refund no longer counts; logs an error",
        after={"payment.amount_refunded": 0},
        emails={"refund_failed": "refund_failed:<re_…>"},
        logs="ERROR",
    ),
    "charge.refund.updated": Row(
        "old-refund",
        "records the refund's newest status",
        after={"payment.amount_refunded": 2900},
        emails={"refund": "refund:<re_…>"},
    ),
    "charge.refunded": Row(
        "total-only",
        "updates the running total",
        after={"payment.amount_refunded": 1000},
        emails={"refund": "refund:<ch_…>:<total>"},
    ),
    "charge.dispute.created": Row(
        "dispute",
        "marks the payment as disputed; logs an error",
        after={"payment.dispute_status": "needs_response", "payment.is_disputed": True},
        logs="ERROR",
    ),
    "charge.dispute.updated": Row(
        "dispute-won",
        "updates the dispute's status, and logs it",
        after={"payment.dispute_status": "under_review"},
        logs="ERROR",
    ),
    "charge.dispute.funds_withdrawn": Row(
        "dispute",
        "updates the dispute's status, and logs it",
        stays={"payment.dispute_status": "needs_response"},
        logs="ERROR",
    ),
    "charge.dispute.funds_reinstated": Row(
        "dispute-won",
        "updates the dispute's status, and logs it",
        stays={"payment.dispute_status": "won"},
        logs="INFO",
    ),
    "charge.dispute.closed": Row(
        "dispute-won",
        "a dispute that was won no longer marks the payment",
        after={"payment.dispute_status": "won", "payment.is_disputed": False},
        logs="INFO",
    ),
}
