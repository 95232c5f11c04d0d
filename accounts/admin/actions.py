"""What staff can do for a person, from the admin."""

from collections.abc import Callable
from dataclasses import dataclass

from accounts import services
from accounts.models import User


class OperationRefused(ValueError):
    """Nothing was changed. The text says why."""


def send_reset_link(user: User) -> None:
    if not user.is_active:
        raise OperationRefused("The user is not active, and could not log in. Make them active first.")
    services.send_reset_link(user=user)


def verify_address(user: User) -> None:
    if not user.confirm_email():
        raise OperationRefused("The address is verified already.")


def log_out_everywhere(user: User) -> None:
    services.log_out_everywhere(user=user)


@dataclass(frozen=True, slots=True)
class Operation:
    """One button."""

    label: str
    done: str
    perform: Callable[[User], None]


OPERATIONS = {
    "send_reset_link": Operation("Send reset link", "The link to choose a new password was sent.", send_reset_link),
    "verify_address": Operation("Verify address", "The address was verified by hand.", verify_address),
    "log_out_everywhere": Operation("Log out everywhere", "All tokens and sessions were ended.", log_out_everywhere),
}
