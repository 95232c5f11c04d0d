"""Charges and their refunds: https://docs.stripe.com/api/charges/object, https://docs.stripe.com/api/refunds/object"""

from dataclasses import dataclass
from typing import Self

from billing.payloads.customers import CustomerRef, customer_id_of
from billing.payloads.objects import StripeObject


@dataclass(frozen=True, slots=True)
class Refund:
    id: str
    charge: str
    payment_intent: str
    amount: int
    currency: str
    status: str

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        """Return the values of the object. Raises ``UnusableObject`` if it has no id."""
        return cls(
            id=data.require_id(),
            charge=data.ref("charge"),
            payment_intent=data.ref("payment_intent"),
            amount=data.integer("amount"),
            currency=data.currency(),
            status=data.text("status"),
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge. ``amount_refunded`` is the total of all its refunds so far."""

    id: str
    customer: CustomerRef
    payment_intent: str
    amount_refunded: int
    currency: str

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        """Return the values of the object. Raises ``UnusableObject`` if it has no id."""
        details = data.inner("billing_details")
        customer = CustomerRef.marked(
            data.inner("metadata"),
            id=customer_id_of(data),
            email=data.email_address("receipt_email") or details.email_address("email"),
            name=details.text("name"),
        )
        return cls(
            id=data.require_id(),
            customer=customer,
            payment_intent=data.ref("payment_intent"),
            amount_refunded=data.integer("amount_refunded"),
            currency=data.currency(),
        )
