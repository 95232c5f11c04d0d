"""The state of an account, in words for staff."""

from accounts.models import User
from common.badges import State, Tone

VERIFIED = State("Verified", Tone.GOOD)
UNVERIFIED = State("Not verified yet", Tone.WARNING)
INACTIVE = State("Inactive", Tone.QUIET)


def account_state(user: User) -> State:
    if not user.is_active:
        return INACTIVE
    return VERIFIED if user.is_email_verified else UNVERIFIED


def role(user: User) -> str:
    """Return what the person may do in the admin, or an empty string for customers."""
    if user.is_superuser:
        return "Superuser"
    return "Staff" if user.is_staff else ""
