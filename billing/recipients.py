"""Who an email goes to."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Recipient:
    """A user at the address of their account, or a buyer whom only Stripe knows."""

    email: str
    name: str
    language: str
    user_id: int | None = None
    is_confirmed: bool = False  # whether the user has confirmed this email address


def staff(address: str) -> Recipient:
    return Recipient(address, "", settings.LANGUAGE_CODE)
