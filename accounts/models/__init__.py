"""Users, their logins, the changes of their email addresses, and the emails requested to an address."""

from accounts.models.email_changes import EmailChange
from accounts.models.email_quotas import EmailQuota
from accounts.models.logins import Login, session_store
from accounts.models.users import User, UserManager, default_language

__all__ = ["EmailChange", "EmailQuota", "Login", "User", "UserManager", "default_language", "session_store"]
