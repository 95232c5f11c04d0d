"""Changes of the profile."""

from django.db import transaction

from accounts import hooks
from accounts.models import User


@transaction.atomic
def update_profile(*, user: User, name: str | None = None, language: str | None = None) -> User:
    """Change the name, the language of pages and emails, or both; None leaves a value unchanged. Returns the user."""
    values = {"name": name, "language": language}
    changes = {field: value for field, value in values.items() if value is not None}
    is_renamed = changes.get("name", user.name) != user.name
    for field, value in changes.items():
        setattr(user, field, value)
    if changes:
        user.save(update_fields=[*changes])
    if is_renamed:
        announce_name(user)
    return user


def announce_name(user: User) -> None:
    """Report the changed name to other apps, in the transaction that changed it."""
    for receiver in hooks.name_receivers:
        receiver(user)
