"""The admin of users: their data, what happened to them, and actions that help them."""

from accounts.admin.login import LoginForm
from accounts.admin.users import UserAdmin

__all__ = ["LoginForm", "UserAdmin"]
