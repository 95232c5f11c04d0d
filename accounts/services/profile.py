"""Changes of the profile."""

from accounts.models import User


def update_profile(*, user: User, name: str | None = None, language: str | None = None) -> User:
    """Change the name, the language of pages and emails, or both; None leaves a value unchanged. Returns the user."""
    values = {"name": name, "language": language}
    changes = {field: value for field, value in values.items() if value is not None}
    for field, value in changes.items():
        setattr(user, field, value)
    if changes:
        user.save(update_fields=[*changes])
    return user
