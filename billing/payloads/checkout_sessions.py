"""Checkout sessions: https://docs.stripe.com/api/checkout/sessions/object"""

from dataclasses import dataclass
from typing import Self

from billing.payloads.amounts import presented_amount
from billing.payloads.customers import CustomerRef, customer_id_of
from billing.payloads.objects import StripeObject
from billing.payloads.payers import BillingDetails, PaymentMethod
from common.money import Amount


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """A Checkout session.

    The buyer typed the email address in it. Emails about the purchase may go there, but it doesn't prove who they are.
    """

    id: str
    customer: CustomerRef
    mode: str
    payment_status: str
    subscription: str
    invoice: str
    currency: str
    amount_total: int
    tax: int
    payment_intent: str
    presented: Amount | None
    billing_details: BillingDetails
    payment_method: PaymentMethod

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        """Return the values of the object. Raises ``UnusableObject`` if it has no id."""
        return cls(
            id=data.require_id(),
            customer=buyer_of(data),
            mode=data.text("mode"),
            payment_status=data.text("payment_status"),
            subscription=data.ref("subscription"),
            invoice=data.ref("invoice"),
            currency=data.currency(),
            amount_total=data.integer("amount_total"),
            tax=data.inner("total_details").integer("amount_tax"),
            payment_intent=data.ref("payment_intent"),
            presented=presented_amount(data),
            billing_details=BillingDetails.of_session(data),
            payment_method=PaymentMethod.of_session(data),
        )

    @property
    def is_settled(self) -> bool:
        """Whether the money has arrived, or none is due."""
        return self.payment_status in ("paid", "no_payment_required")

    @property
    def is_paid_sale(self) -> bool:
        """Whether we send a receipt for the session itself. If it has an invoice, the invoice's events send it."""
        is_sale = self.mode == "payment" and not self.invoice
        return is_sale and self.payment_status == "paid" and self.amount_total > 0


def buyer_of(data: StripeObject) -> CustomerRef:
    details = data.inner("customer_details")
    return CustomerRef.marked(
        data.inner("metadata"),
        id=customer_id_of(data),
        session_id=data.id,
        email=details.email_address("email") or data.email_address("customer_email"),
        name=details.text("name"),
    )
