"""What staff can do for a person, from the admin."""

from collections.abc import Callable
from dataclasses import dataclass

from accounts import services
from accounts.models import User


class OperationRefused(ValueError):
    """Nothing was changed. The text says why."""


def send_reset_link(user: User) -> None:
    if not user.is_active:
        raise OperationRefused("The user is inactive and couldn't log in. Activate the user first.")
    services.send_reset_link(user=user)


def verify_address(user: User) -> None:
    if not user.confirm_email():
        raise OperationRefused("The email address is already verified.")


def log_out_everywhere(user: User) -> None:
    services.log_out_everywhere(user=user)


@dataclass(frozen=True, slots=True)
class Operation:
    """One button."""

    label: str
    done: str
    perform: Callable[[User], None]


OPERATIONS = {
    "send_reset_link": Operation("Send reset link", "The password reset link was sent.", send_reset_link),
    "verify_address": Operation("Verify email address", "The email address was verified manually.", verify_address),
    "log_out_everywhere": Operation(
        "Log out everywhere", "The user was logged out on all devices.", log_out_everywhere
    ),
}
