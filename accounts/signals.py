"""What follows from a change to a user, whoever makes it: the API, the admin, a command or a shell."""

from typing import Any

from accounts.mail import send_welcome_email
from accounts.models import User
from emails import contacts


def welcome_new_user(sender: type[User], instance: User, created: bool, raw: bool, **_: Any) -> None:
    """Fixtures (raw) hold people who were welcomed long ago."""
    if created and not raw:
        send_welcome_email(instance)
        subscribe_new_user(instance)


def subscribe_new_user(user: User) -> None:
    """To the marketing side, where CONTACTS_SYNC is on."""
    contacts.subscribe(
        user.email,
        tags=["signed-up"],
        attributes={"plan": "free", "source": "signup"},
        first_name=user.name,
        external_id=str(user.pk),
    )
