"""Previews of the next invoice, which Stripe announces some days before a renewal. They have no ID.

https://docs.stripe.com/api/events/types#event_types-invoice.upcoming
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from billing.payloads.customers import CustomerRef
from billing.payloads.invoices import customer_of
from billing.payloads.objects import StripeObject


@dataclass(frozen=True, slots=True)
class UpcomingInvoice:
    """What Stripe is going to charge at the end of the current period. None and empty mean that it doesn't say."""

    customer: CustomerRef
    subscription: str
    amount_due: int | None
    currency: str
    period_end: datetime | None

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        details = data.inner("parent", "subscription_details") or data.inner("subscription_details")
        return cls(
            customer=customer_of(data, details, [*data.items("lines")]),
            subscription=details.ref("subscription") or data.ref("subscription"),
            amount_due=data.known_integer("amount_due"),
            currency=data.currency(),
            period_end=data.moment("period_end"),
        )
