"""Actions that staff can take for a user."""

from accounts import services
from accounts.models import User
from common.actions import Action, ActionRefused


def send_reset_link(user: User) -> None:
    # The link would not work either: tokens of inactive users are refused.
    if not user.is_active:
        raise ActionRefused("The user is inactive and couldn't log in. Activate the user first.")
    services.request_password_reset(email=user.email)


def verify_address(user: User) -> None:
    if not user.confirm_email():
        raise ActionRefused("The email address is already verified.")


def log_out_everywhere(user: User) -> None:
    services.log_out_everywhere(user=user)


ACTIONS: dict[str, Action[User]] = {
    "send_reset_link": Action("Send reset link", "The password reset link was sent.", send_reset_link),
    "verify_address": Action("Verify email address", "The email address was verified manually.", verify_address),
    "log_out_everywhere": Action("Log out everywhere", "The user was logged out on all devices.", log_out_everywhere),
}
