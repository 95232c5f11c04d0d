"""Users, their logins, the changes of their email addresses, the links in their emails, and what limits these."""

from accounts.models.email_changes import EmailChange
from accounts.models.email_quotas import EmailQuota
from accounts.models.links import NewestLink, Purpose
from accounts.models.logins import Login, session_model, session_store, stored_sessions
from accounts.models.users import User, UserManager, default_language

__all__ = [
    "EmailChange",
    "EmailQuota",
    "Login",
    "NewestLink",
    "Purpose",
    "User",
    "UserManager",
    "default_language",
    "session_model",
    "session_store",
    "stored_sessions",
]
