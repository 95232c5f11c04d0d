"""What people say about themselves."""

from accounts.models import User


def update_profile(*, user: User, name: str | None = None, language: str | None = None) -> User:
    """Change what is given, and leave the rest. The language is that of every mail to come."""
    changes = {"name": name, "language": language}
    given = {field: value for field, value in changes.items() if value is not None}
    for field, value in given.items():
        setattr(user, field, value)
    if given:
        user.save(update_fields=[*given])
    return user
