"""Charges and their refunds: https://docs.stripe.com/api/charges/object, https://docs.stripe.com/api/refunds/object"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from billing.payloads.amounts import presented_amount
from billing.payloads.customers import CustomerRef, customer_id_of
from billing.payloads.objects import StripeObject
from common.money import Amount


@dataclass(frozen=True, slots=True)
class Refund:
    id: str
    charge: str
    payment_intent: str
    amount: int
    currency: str
    status: str
    presented: Amount | None

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
            presented=presented_amount(data),
        )

    @property
    def certainty(self) -> int:
        """Return which of two reports from the same second is the later one: a refund is pending first, then it
        succeeds, and it can still fail after that."""
        return {"succeeded": 1, "failed": 2, "canceled": 2}.get(self.status, 0)


@dataclass(frozen=True, slots=True)
class DisputeState:
    """A dispute at the time of one event: https://docs.stripe.com/api/disputes/object"""

    id: str
    charge: str
    payment_intent: str
    amount: int
    currency: str
    status: str
    reason: str
    opened_at: datetime | None
    evidence_due_at: datetime | None
    has_evidence: bool
    livemode: bool

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        """Return the values of the object. Raises ``UnusableObject`` if it has no id."""
        evidence = data.inner("evidence_details")
        return cls(
            id=data.require_id(),
            charge=data.ref("charge"),
            payment_intent=data.ref("payment_intent"),
            amount=data.integer("amount"),
            currency=data.currency(),
            status=data.text("status", 32),
            reason=data.text("reason", 64),
            opened_at=data.moment("created"),
            evidence_due_at=evidence.moment("due_by"),  # 0 if the bank takes no evidence
            has_evidence=evidence.integer("submission_count") > 0,
            livemode=data.is_true("livemode"),
        )


@dataclass(frozen=True, slots=True)
class FraudWarning:
    """An early fraud warning: https://docs.stripe.com/api/radar/early_fraud_warnings/object"""

    id: str
    charge: str
    payment_intent: str
    fraud_type: str
    is_actionable: bool
    warned_at: datetime | None
    livemode: bool

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        """Return the values of the object. Raises ``UnusableObject`` if it has no id."""
        return cls(
            id=data.require_id(),
            charge=data.ref("charge"),
            payment_intent=data.ref("payment_intent"),
            fraud_type=data.text("fraud_type", 64),
            is_actionable=data.is_true("actionable"),
            warned_at=data.moment("created"),
            livemode=data.is_true("livemode"),
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge. ``amount_refunded`` is the total of all its refunds so far, which counts pending ones too.

    ``presented`` is its whole amount as the buyer saw it, and None unless all of it was refunded. Only old API versions
    list the single refunds.
    """

    id: str
    customer: CustomerRef
    payment_intent: str
    amount_refunded: int
    currency: str
    presented: Amount | None
    refunds: Sequence[Refund]

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
        is_whole = data.integer("amount_refunded") == data.integer("amount")
        return cls(
            id=data.require_id(),
            customer=customer,
            payment_intent=data.ref("payment_intent"),
            amount_refunded=data.integer("amount_refunded"),
            currency=data.currency(),
            presented=presented_amount(data) if is_whole else None,
            refunds=[Refund.read(refund) for refund in data.items("refunds") if refund.id],
        )
