"""Invoices: https://docs.stripe.com/api/invoices/object"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from billing.payloads.amounts import presented_amount
from billing.payloads.customers import CustomerRef, customer_id_of
from billing.payloads.objects import StripeObject
from common.money import Amount


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    description: str
    amount: int


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice. Amounts are in minor units of ``currency``; ``credit`` and ``discount`` reduce what is due."""

    id: str
    customer: CustomerRef
    subscription: str
    status: str
    number: str
    currency: str
    amount_paid: int
    amount_due: int
    tax: int
    discount: int
    credit: int
    attempt: int
    next_attempt_at: datetime | None
    paid_at: datetime | None
    url: str
    reason: str
    payment_intent: str
    charge: str
    lines: Sequence[InvoiceLine]
    has_more_lines: bool
    price_id: str
    presented: Amount | None

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        """Return the values of the object. Raises ``UnusableObject`` if it has no id."""
        # Newer invoices name the subscription below parent, older ones at the top.
        details = data.inner("parent", "subscription_details") or data.inner("subscription_details")
        lines = [*data.items("lines")]
        return cls(
            id=data.require_id(),
            customer=customer_of(data, details, lines),
            subscription=details.ref("subscription") or data.ref("subscription"),
            status=data.text("status"),
            number=data.text("number"),
            currency=data.currency(),
            amount_paid=data.integer("amount_paid"),
            amount_due=data.integer("amount_due"),
            tax=tax_of(data),
            discount=total_of(data, "total_discount_amounts"),
            credit=data.integer("ending_balance") - data.integer("starting_balance"),
            attempt=data.integer("attempt_count"),
            next_attempt_at=data.moment("next_payment_attempt"),
            paid_at=data.inner("status_transitions").moment("paid_at"),
            url=data.link("hosted_invoice_url"),
            reason=data.text("billing_reason"),
            payment_intent=data.ref("payment_intent"),
            charge=data.ref("charge"),
            lines=[InvoiceLine(line.text("description"), line.integer("amount")) for line in lines],
            has_more_lines=data.inner("lines").is_true("has_more"),
            price_id=next(filter(None, map(price_of, lines)), ""),
            presented=presented_amount(data),
        )

    @property
    def is_paid(self) -> bool:
        """Whether money was paid. Stripe also marks invoices over nothing as paid, and those need no receipt."""
        return self.status == "paid" and self.amount_paid > 0


def customer_of(data: StripeObject, subscription_details: StripeObject, lines: Sequence[StripeObject]) -> CustomerRef:
    # Stripe copies the subscription's metadata into its invoices, and into their lines, where the oldest versions have
    # it. An invoice without a subscription has only its own.
    return CustomerRef.marked(
        *(holder.inner("metadata") for holder in (subscription_details, data, *lines)),
        id=customer_id_of(data),
        email=data.email_address("customer_email"),
        name=data.text("customer_name"),
    )


def tax_of(data: StripeObject) -> int:
    """Return the tax, which has had three names in Stripe's versions."""
    return total_of(data, "total_taxes") or total_of(data, "total_tax_amounts") or data.integer("tax")


def total_of(data: StripeObject, name: str) -> int:
    return sum(row.integer("amount") for row in data.objects(name))


def price_of(line: StripeObject) -> str:
    return line.inner("pricing", "price_details").ref("price") or line.ref("price") or line.ref("plan")
