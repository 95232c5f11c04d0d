"""Refunds."""

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
}
