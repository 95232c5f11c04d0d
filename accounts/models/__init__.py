"""Who a person is: the user, whose email address is the login; where they logged in; which addresses they had."""

from accounts.models.email_changes import EmailChange
from accounts.models.logins import Login, session_store
from accounts.models.users import User, UserManager, default_language

__all__ = ["EmailChange", "Login", "User", "UserManager", "default_language", "session_store"]
