"""What follows from a change to a user, whoever makes it: the API, the admin, a command or a shell."""

from typing import Any

from accounts.mail import send_welcome_email
from accounts.models import User


def welcome_new_user(sender: type[User], instance: User, created: bool, raw: bool, **_: Any) -> None:
    """Fixtures (raw) hold people who were welcomed long ago."""
    if created and not raw:
        send_welcome_email(instance)
