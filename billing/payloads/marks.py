"""The mark in the metadata of what we create at Stripe: the installation, and the user.

Several products, or several installations of this one, can share a Stripe account, and their user IDs are the same
small numbers. So metadata counts only if it names this installation. Buyers can't set metadata. They can set the
``client_reference_id`` of a payment link, which therefore proves nothing.
"""

from django.conf import settings

from billing.payloads.objects import StripeObject

USER, INSTALLATION, PRODUCT = "user_id", "installation", "product"
MAX_KEY_DIGITS = 18  # a 64-bit primary key


def mark(user_id: int | None) -> dict[str, str]:
    """Return the metadata for an object that we create."""
    user = {} if user_id is None else {USER: str(user_id)}
    return user | {INSTALLATION: settings.INSTALLATION_ID}


def is_ours(metadata: StripeObject) -> bool:
    """Return whether this installation created the object with this metadata."""
    return metadata.data.get(INSTALLATION) == settings.INSTALLATION_ID


def user_id_in(metadata: StripeObject) -> int | None:
    """Return the user id in our metadata, exactly as ``mark`` writes it, or None. Metadata of others has no user."""
    value = metadata.data.get(USER)
    if not is_ours(metadata) or not isinstance(value, str):
        return None
    is_key = value.isascii() and value.isdigit() and len(value) <= MAX_KEY_DIGITS
    return int(value) if is_key and str(int(value)) == value else None
