"""How many seats a person's product uses. Your own code counts them: see BILLING_SEATS_IN_USE."""

from collections.abc import Callable

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import User
from billing.errors import QuantityNotAllowed, SeatsInUse
from billing.plans import Plan, Seats

ONE_SEAT = Seats(minimum=1, maximum=1)


def seats_in_use(user: User) -> int:
    """Return how many people use the user's subscription: the number from your function, and at least 1."""
    if not settings.BILLING_SEATS_IN_USE:
        return 1
    count: Callable[[User], int] = import_string(settings.BILLING_SEATS_IN_USE)
    return max(count(user), 1)


def check_quantity(plan: Plan, quantity: int, user: User) -> None:
    """Raise ``QuantityNotAllowed`` or ``SeatsInUse`` if the plan can't be bought or changed to with this quantity."""
    seats = plan.seats or ONE_SEAT
    if quantity < seats.minimum or (seats.maximum is not None and quantity > seats.maximum):
        raise QuantityNotAllowed(seats.minimum, seats.maximum)
    if plan.seats and quantity < (used := seats_in_use(user)):
        raise SeatsInUse(used)


def smallest_quantity(plan: Plan, user: User) -> int:
    """Return the smallest quantity that the plan allows and that the seats in use need."""
    return max(plan.seats.minimum, seats_in_use(user)) if plan.seats else 1
