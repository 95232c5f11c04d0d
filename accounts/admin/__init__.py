"""Users in the admin: who is this person, what happened to them, and what can be done for them?"""

from accounts.admin.login import LoginForm
from accounts.admin.users import UserAdmin

__all__ = ["LoginForm", "UserAdmin"]
