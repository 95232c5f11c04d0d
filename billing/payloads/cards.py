"""Cards, as payment methods and as the older sources: https://docs.stripe.com/api/payment_methods/object"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from billing.payloads.customers import CustomerRef, customer_id_of
from billing.payloads.objects import StripeObject

YEARS = range(2000, 2101)
LAST4 = re.compile(r"[0-9]{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CardState:
    """A card at the time of one event. ``expires_at`` is the first moment at which it is no longer valid.

    It is None for what isn't a card, such as a bank account.
    """

    id: str
    customer: CustomerRef
    brand: str
    last4: str
    expires_at: datetime | None

    @classmethod
    def read(cls, data: StripeObject) -> Self:
        """Return the values of the object. Raises ``UnusableObject`` if it has no id."""
        # The oldest cards have at the top what payment methods and sources have below "card".
        card = data.inner("card") or data
        last4 = card.text("last4")
        return cls(
            id=data.require_id(),
            customer=CustomerRef.marked(data.inner("metadata"), id=customer_id_of(data)),
            brand=card.text("brand", 32),
            last4=last4 if LAST4.fullmatch(last4) else "",
            expires_at=end_of_month(card.integer("exp_year"), card.integer("exp_month")),
        )


def end_of_month(year: int, month: int) -> datetime | None:
    """Return the first moment after the month, or None if there is no such month."""
    if year not in YEARS or not 1 <= month <= 12:
        return None
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def default_method_of(customer: StripeObject) -> str:
    """Return the ID of what Stripe charges if a subscription names nothing, or an empty string."""
    return customer.inner("invoice_settings").ref("default_payment_method") or customer.ref("default_source")
