"""The customer that an object is about."""

from dataclasses import dataclass
from typing import Self

from billing.payloads.objects import StripeObject

MAX_KEY_DIGITS = 18  # a 64-bit primary key


@dataclass(frozen=True, slots=True)
class CustomerRef:
    """What an object says about its customer. Every field can be empty."""

    id: str = ""
    user_id: int | None = None
    email: str = ""
    name: str = ""

    @classmethod
    def read(cls, customer_id: str, customer: StripeObject) -> Self:
        """Read a customer object. Its metadata comes from us, the rest from Stripe or the customer."""
        return cls(
            id=customer_id,
            user_id=user_id_in(customer.inner("metadata")),
            email=customer.email_address("email"),
            name=customer.text("name"),
        )


def customer_id_of(data: StripeObject) -> str:
    """Return the id of the object's customer. Stripe's newer accounts name it in a field of their own."""
    return data.ref("customer") or data.ref("customer_account")


def user_id_in(metadata: StripeObject) -> int | None:
    """Return the user id that we put into the metadata of everything we create. Buyers can't set metadata."""
    value = metadata.text("user_id")
    is_key = value.isascii() and value.isdigit() and len(value) <= MAX_KEY_DIGITS
    return int(value) if is_key else None
