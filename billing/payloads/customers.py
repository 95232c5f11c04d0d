"""The customer that an object is about."""

from dataclasses import dataclass
from typing import Self

from billing.payloads.marks import is_ours, user_id_in
from billing.payloads.objects import StripeObject


@dataclass(frozen=True, slots=True)
class CustomerRef:
    """What an object says about its customer. Every field can be empty.

    ``is_marked`` means that the object carries our mark (marks.py), and ``session_id`` is that of the Checkout session
    that the reference comes from.
    """

    id: str = ""
    user_id: int | None = None
    email: str = ""
    name: str = ""
    is_marked: bool = False
    session_id: str = ""

    @classmethod
    def read(cls, customer_id: str, customer: StripeObject) -> Self:
        """Read a customer object. Its metadata comes from us, the rest from Stripe or the customer."""
        return cls.marked(
            customer.inner("metadata"),
            id=customer_id,
            email=customer.email_address("email"),
            name=customer.text("name"),
        )

    @classmethod
    def marked(cls, *metadata: StripeObject, **values: str) -> Self:
        """Return a reference with the mark of the first metadata that is ours, if any is."""
        ours = next(filter(is_ours, metadata), None)
        user_id = user_id_in(ours) if ours else None
        return cls(user_id=user_id, is_marked=ours is not None, **values)


def has_unusable_address(data: StripeObject) -> bool:
    """Return whether the object has an email address that no email can be sent to."""
    fields = [(data, name) for name in ("email", "customer_email", "receipt_email")]
    fields += [(data.inner(name), "email") for name in ("customer_details", "billing_details")]
    return any(holder.text(name) and not holder.email_address(name) for holder, name in fields)


def customer_id_of(data: StripeObject) -> str:
    """Return the id of the object's customer. Stripe's newer accounts name it in a field of their own."""
    return data.ref("customer") or data.ref("customer_account")
