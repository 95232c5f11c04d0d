"""Actions that staff can take for a user."""

from accounts import services
from accounts.models import User
from common.actions import Action, ActionRefused


def send_reset_link(user: User) -> None:
    if not user.is_active:
        raise ActionRefused("The user is not active, and could not log in. Make them active first.")
    services.send_reset_link(user=user)


def verify_address(user: User) -> None:
    if not user.confirm_email():
        raise ActionRefused("The address is verified already.")


def log_out_everywhere(user: User) -> None:
    services.log_out_everywhere(user=user)


ACTIONS: dict[str, Action[User]] = {
    "send_reset_link": Action("Send reset link", "The link to choose a new password was sent.", send_reset_link),
    "verify_address": Action("Verify address", "The address was verified by hand.", verify_address),
    "log_out_everywhere": Action("Log out everywhere", "All tokens and sessions were ended.", log_out_everywhere),
}
