"""The contact of a user at the email provider, which exists only if CONTACTS_SYNC is on."""

from accounts.mail import greeting_name
from accounts.models import User
from emails import contacts


def subscribe(user: User) -> None:
    """Subscribe the user, or fill the empty fields of the existing contact.

    The name is reported only once the email address is confirmed, because the provider's emails may greet by it.
    """
    contacts.subscribe(
        user.email,
        tags=["signed-up"],
        attributes={"plan": "free", "source": "signup"},
        first_name=greeting_name(user, user.email),
        external_id=str(user.pk),
    )
