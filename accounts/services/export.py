"""Export of everything stored about a user."""

from typing import Any

from accounts.hooks import export_sources
from accounts.models import User
from emails import privacy

PROFILE = ("id", "email", "name", "language", "email_verified_at", "date_joined", "last_login", "is_active", "is_staff")
LOGIN = ("at", "client_address", "user_agent")
EMAIL_CHANGE = ("at", "old_address", "new_address", "undone_at")


def export_data(*, user: User) -> dict[str, Any]:
    """Return JSON-compatible values and dates, by name. Other apps add theirs to `export_sources`."""
    return {
        "profile": {field: getattr(user, field) for field in PROFILE},
        "logins": [*user.logins.values(*LOGIN)],
        "email_changes": [*user.email_changes.values(*EMAIL_CHANGE)],
        "mails": privacy.export(str(user.pk)),
        **{name: source(user) for name, source in export_sources.items()},
    }
