"""Users, their logins, and the changes of their email addresses."""

from accounts.models.email_changes import EmailChange
from accounts.models.logins import Login, session_store
from accounts.models.users import User, UserManager, default_language

__all__ = ["EmailChange", "Login", "User", "UserManager", "default_language", "session_store"]
