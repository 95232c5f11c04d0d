"""Previews of invoices: https://docs.stripe.com/api/invoices/create_preview"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from billing.payloads.breakdowns import INCLUDED, ON_TOP, rows_of, taxes_of
from billing.payloads.invoices import is_credit, is_proration, price_of
from billing.payloads.objects import StripeObject


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """A line in minor units. Credits are negative."""

    description: str
    amount: int
    price_id: str
    is_proration: bool
    period_end: datetime | None

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        return cls(
            description=data.text("description"),
            amount=data.integer("amount"),
            price_id="" if is_credit(data) else price_of(data),
            is_proration=is_proration(data),
            period_end=data.inner("period").moment("end"),
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """The invoice that a change would create.

    ``amount_due`` is what the card would be charged, or None if Stripe's response doesn't say so. ``rows`` are what is
    added to the lines or taken off them, by its name, and is empty unless everything adds up.
    """

    amount_due: int | None
    currency: str
    lines: Sequence[PreviewLine]
    rows: Mapping[str, int]
    included_tax: int

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        lines = [PreviewLine.read(line) for line in data.items("lines")]
        rows = adjustments(data, sum(line.amount for line in lines))
        return cls(
            amount_due=data.known_integer("amount_due"),
            currency=data.currency(),
            lines=lines,
            rows=rows,
            included_tax=taxes_of(data, ON_TOP)[INCLUDED],
        )


def adjustments(invoice: StripeObject, subtotal: int) -> dict[str, int]:
    """Return the rows between the lines and the amount due. A credit that remains is kept for later invoices."""
    due, total = invoice.integer("amount_due"), invoice.integer("total")
    rows = rows_of(invoice) | {"tax": taxes_of(invoice, ON_TOP)[ON_TOP], "balance": due - total}
    adds_up = subtotal + sum(rows.values()) == due and not invoice.inner("lines").is_true("has_more")
    return {name: amount for name, amount in rows.items() if amount} if adds_up else {}
