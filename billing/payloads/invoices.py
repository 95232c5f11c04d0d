"""Invoices: https://docs.stripe.com/api/invoices/object"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from billing.payloads.amounts import presented_amount
from billing.payloads.breakdowns import Breakdown, breakdown_of
from billing.payloads.customers import CustomerRef, customer_id_of
from billing.payloads.objects import StripeObject
from billing.payloads.payers import BillingDetails, PaymentMethod
from billing.plans import Offer, plan_by_price, product_by_price
from common.money import Amount


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    description: str
    amount: int
    is_credit: bool


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice. Amounts are in minor units of ``currency``."""

    id: str
    customer: CustomerRef
    subscription: str
    status: str
    number: str
    currency: str
    amount_paid: int
    amount_due: int
    is_paid_out_of_band: bool
    breakdown: Breakdown
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
    product_price_id: str
    presented: Amount | None
    billing_details: BillingDetails
    payment_method: PaymentMethod

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
            is_paid_out_of_band=data.is_true("paid_out_of_band"),
            breakdown=breakdown_of(data, [line.integer("amount") for line in lines], data.integer("amount_paid")),
            attempt=data.integer("attempt_count"),
            next_attempt_at=data.moment("next_payment_attempt"),
            paid_at=data.inner("status_transitions").moment("paid_at"),
            url=data.link("hosted_invoice_url"),
            reason=data.text("billing_reason"),
            payment_intent=data.ref("payment_intent"),
            charge=data.ref("charge"),
            lines=[InvoiceLine(line.text("description"), line.integer("amount"), is_credit(line)) for line in lines],
            has_more_lines=data.inner("lines").is_true("has_more"),
            price_id=first_price(lines, plan_by_price),
            product_price_id=first_price(lines, product_by_price),
            presented=presented_amount(data),
            billing_details=BillingDetails.of_invoice(data),
            payment_method=PaymentMethod.of_invoice(data),
        )

    @property
    def is_paid(self) -> bool:
        return self.status == "paid"

    @property
    def amount_settled(self) -> int:
        """What was paid. Older invoices don't count a payment outside Stripe. Stripe also marks invoices over nothing
        as paid."""
        is_outside = self.is_paid_out_of_band and not self.amount_paid
        return self.amount_due if is_outside else self.amount_paid

    @property
    def amount_open(self) -> int:
        """What is still due."""
        return max(self.amount_due - self.amount_paid, 0)

    @property
    def is_first(self) -> bool:
        """Whether it is for the first period of a subscription, whose buyer may not have paid anything yet."""
        return self.reason == "subscription_create"


def customer_of(data: StripeObject, subscription_details: StripeObject, lines: Sequence[StripeObject]) -> CustomerRef:
    # Stripe copies the subscription's metadata into its invoices, and into their lines, where the oldest versions have
    # it. An invoice without a subscription has only its own.
    return CustomerRef.marked(
        *(holder.inner("metadata") for holder in (subscription_details, data, *lines)),
        id=customer_id_of(data),
        email=data.email_address("customer_email"),
        name=data.text("customer_name"),
    )


def first_price(lines: Sequence[StripeObject], find_offer: Callable[[str], Offer | None]) -> str:
    """Return the first price of a plan, or product, that was bought, or an empty string if no line is about one.

    Whole periods come before parts of one: a renewal can also contain what an earlier change of plan has cost.
    """
    bought = sorted((line for line in lines if not is_credit(line)), key=is_proration)
    return next((price for price in map(price_of, bought) if find_offer(price)), "")


def is_credit(line: StripeObject) -> bool:
    """Return whether the line gives money back, for the old plan after a change. It says nothing about the new one."""
    details = line.inner("parent", "subscription_item_details") or line.inner("parent", "invoice_item_details") or line
    is_refunded = bool(details.inner("proration_details", "credited_items"))
    return line.integer("amount") < 0 or is_refunded or (is_proration(line) and line.integer("amount") == 0)


def is_proration(line: StripeObject) -> bool:
    details = line.inner("parent", "subscription_item_details"), line.inner("parent", "invoice_item_details"), line
    return any(holder.is_true("proration") for holder in details)


def price_of(line: StripeObject) -> str:
    return line.inner("pricing", "price_details").ref("price") or line.ref("price") or line.ref("plan")
