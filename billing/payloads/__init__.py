"""Stripe's objects as they come in events, read as plain dicts: https://docs.stripe.com/api

Two generations are on the way: an endpoint keeps the API version under which it was made, and 2025-03-31 moved many
fields. Whatever is missing becomes an empty value: Stripe adds and drops fields without asking.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from billing.payloads.values import (
    Payload,
    address,
    customer_of,
    inner,
    integer,
    items,
    link,
    moment,
    own_id,
    ref,
    text,
    user_id_of,
)


@dataclass(frozen=True, slots=True)
class Party:
    """Who an object is about, as far as it says so."""

    customer: str = ""
    user_id: int | None = None
    email: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Amount:
    """An integer of minor units, and the currency in lower case."""

    value: int
    currency: str


def presented(data: Payload) -> Amount | None:
    """What a buyer saw and paid, where that was in another currency than ours (adaptive pricing)."""
    details = inner(data, "presentment_details")
    currency = text(details.get("presentment_currency"), 3).lower()
    return Amount(integer(details.get("presentment_amount")), currency) if currency else None


@dataclass(frozen=True, slots=True)
class Line:
    description: str
    amount: int


@dataclass(frozen=True, slots=True)
class Invoice:
    id: str
    party: Party
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
    lines: Sequence[Line]
    has_more_lines: bool
    price_id: str
    presented: Amount | None

    @classmethod
    def read(cls, data: Payload) -> Self:
        details = inner(data, "parent", "subscription_details") or inner(data, "subscription_details")
        lines = list(items(data, "lines"))
        return cls(
            id=own_id(data),
            party=Party(
                customer=customer_of(data),
                user_id=user_id_of(inner(details, "metadata")),
                email=address(data.get("customer_email")),
                name=text(data.get("customer_name")),
            ),
            subscription=ref(details.get("subscription")) or ref(data.get("subscription")),
            status=text(data.get("status")),
            number=text(data.get("number")),
            currency=text(data.get("currency"), 3).lower(),
            amount_paid=integer(data.get("amount_paid")),
            amount_due=integer(data.get("amount_due")),
            tax=invoice_tax(data),
            discount=sum_of(data.get("total_discount_amounts")),
            credit=integer(data.get("ending_balance")) - integer(data.get("starting_balance")),
            attempt=integer(data.get("attempt_count")),
            next_attempt_at=moment(data.get("next_payment_attempt")),
            paid_at=moment(inner(data, "status_transitions").get("paid_at")),
            url=link(data.get("hosted_invoice_url")),
            reason=text(data.get("billing_reason")),
            payment_intent=ref(data.get("payment_intent")),
            charge=ref(data.get("charge")),
            lines=[Line(text(line.get("description")), integer(line.get("amount"))) for line in lines],
            has_more_lines=inner(data, "lines").get("has_more") is True,
            price_id=next(filter(None, map(line_price, lines)), ""),
            presented=presented(data),
        )

    @property
    def is_paid(self) -> bool:
        """With money: an invoice of nothing (a trial, a coupon) is paid too, and nobody wants a receipt for it."""
        return self.status == "paid" and self.amount_paid > 0


def invoice_tax(data: Payload) -> int:
    return sum_of(data.get("total_taxes")) or sum_of(data.get("total_tax_amounts")) or integer(data.get("tax"))


def sum_of(rows: Any) -> int:
    found = rows if isinstance(rows, list) else []
    return sum(integer(row.get("amount")) for row in found if isinstance(row, dict))


def line_price(line: Payload) -> str:
    return ref(inner(line, "pricing", "price_details").get("price")) or ref(line.get("price")) or ref(line.get("plan"))


@dataclass(frozen=True, slots=True)
class Session:
    """A Checkout session. The address in it was typed by the buyer: fit for mail about it, no proof of who it is."""

    id: str
    party: Party
    mode: str
    payment_status: str
    subscription: str
    invoice: str
    currency: str
    amount_total: int
    tax: int
    payment_intent: str
    presented: Amount | None

    @classmethod
    def read(cls, data: Payload) -> Self:
        details = inner(data, "customer_details")
        return cls(
            id=own_id(data),
            party=Party(
                customer=customer_of(data),
                user_id=user_id_of(inner(data, "metadata")),
                email=address(details.get("email")) or address(data.get("customer_email")),
                name=text(details.get("name")),
            ),
            mode=text(data.get("mode")),
            payment_status=text(data.get("payment_status")),
            subscription=ref(data.get("subscription")),
            invoice=ref(data.get("invoice")),
            currency=text(data.get("currency"), 3).lower(),
            amount_total=integer(data.get("amount_total")),
            tax=integer(inner(data, "total_details").get("amount_tax")),
            payment_intent=ref(data.get("payment_intent")),
            presented=presented(data),
        )

    @property
    def is_settled(self) -> bool:
        """The money is there, or none is due."""
        return self.payment_status in ("paid", "no_payment_required")

    @property
    def has_own_receipt(self) -> bool:
        """Where there is an invoice, that one's events send the receipt."""
        is_sale = self.mode == "payment" and not self.invoice
        return is_sale and self.payment_status == "paid" and self.amount_total > 0


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    id: str
    party: Party
    status: str
    price_id: str
    unit_amount: int
    currency: str
    interval: str
    quantity: int
    current_period_end: datetime | None
    trial_end: datetime | None
    cancel_at: datetime | None
    ended_at: datetime | None
    end_reason: str

    @classmethod
    def read(cls, data: Payload) -> Self:
        first = next(items(data, "items"), {})
        price = inner(first, "price") or inner(first, "plan") or inner(data, "plan")
        period_end = subscription_period_end(data)
        cancel_at = moment(data.get("cancel_at")) or (period_end if data.get("cancel_at_period_end") else None)
        return cls(
            id=own_id(data),
            party=Party(customer=customer_of(data), user_id=user_id_of(inner(data, "metadata"))),
            status=text(data.get("status"), 32),
            price_id=ref(price),
            unit_amount=integer(price.get("unit_amount", price.get("amount"))),
            currency=text(data.get("currency") or price.get("currency"), 3).lower(),
            interval=text(inner(price, "recurring").get("interval") or price.get("interval"), 16),
            quantity=integer(first.get("quantity", data.get("quantity"))) or 1,
            current_period_end=period_end,
            trial_end=moment(data.get("trial_end")),
            cancel_at=cancel_at,
            ended_at=moment(data.get("ended_at")),
            end_reason=text(inner(data, "cancellation_details").get("reason"), 64),
        )


def subscription_period_end(data: Payload) -> datetime | None:
    """The earliest of its items', which may differ."""
    ends = [end for item in items(data, "items") if (end := moment(item.get("current_period_end")))]
    return min(ends, default=moment(data.get("current_period_end")))


@dataclass(frozen=True, slots=True)
class Refund:
    id: str
    charge: str
    payment_intent: str
    amount: int
    currency: str
    status: str

    @classmethod
    def read(cls, data: Payload) -> Self:
        return cls(
            id=own_id(data),
            charge=ref(data.get("charge")),
            payment_intent=ref(data.get("payment_intent")),
            amount=integer(data.get("amount")),
            currency=text(data.get("currency"), 3).lower(),
            status=text(data.get("status")),
        )


@dataclass(frozen=True, slots=True)
class Charge:
    id: str
    party: Party
    payment_intent: str
    amount_refunded: int
    currency: str

    @classmethod
    def read(cls, data: Payload) -> Self:
        details = inner(data, "billing_details")
        return cls(
            id=own_id(data),
            party=Party(
                customer=customer_of(data),
                email=address(data.get("receipt_email")) or address(details.get("email")),
                name=text(details.get("name")),
            ),
            payment_intent=ref(data.get("payment_intent")),
            amount_refunded=integer(data.get("amount_refunded")),
            currency=text(data.get("currency"), 3).lower(),
        )
