"""Users, their logins, the changes of their email addresses, and the newest links in their emails."""

from accounts.models.email_changes import EmailChange
from accounts.models.links import NewestLink, Purpose
from accounts.models.logins import Login, session_store
from accounts.models.users import User, UserManager, default_language

__all__ = ["EmailChange", "Login", "NewestLink", "Purpose", "User", "UserManager", "default_language", "session_store"]
