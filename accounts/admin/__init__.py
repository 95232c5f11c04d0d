"""The admin of users, which answers: who is this person, what happened to them, and how can we help?"""

from accounts.admin.login import LoginForm
from accounts.admin.users import UserAdmin

__all__ = ["LoginForm", "UserAdmin"]
