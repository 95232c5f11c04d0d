"""Works off the cleanup requests: calls to Stripe after a deletion, repeated until Stripe confirms them.

Every call can be repeated: what has ended already is refused or not found, and then nothing is left to do. So a worker
that dies between a call and its own commit causes no harm.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now

from accounts.models import User
from billing.errors import StripeRefused, StripeUnavailable
from billing.gateway.api import StripeApi
from billing.models import CleanupRequest, Customer
from billing.services import erasures
from billing.services.reconciliation import LEASE, LONGEST_WAIT, QUESTIONS_PER_ROUND, ask_in_turn
from common.db import database_now, index_walks
from common.failpoints import failpoint
from common.retry import backoff

logger = logging.getLogger(__name__)

Action = CleanupRequest.Action


def clean_up() -> int:
    """Perform the requests that are due, and return how many were done."""
    with index_walks():
        due = list(CleanupRequest.objects.due()[:QUESTIONS_PER_ROUND])
    return ask_in_turn(perform, due)


def perform(api: StripeApi, row: CleanupRequest) -> bool:
    """Make the calls of one request. Returns False if another worker is making them.

    Raises ``StripeRefused`` or ``StripeUnavailable``, after scheduling the next attempt.
    """
    stored = CleanupRequest.objects.filter(pk=row.pk)
    # The lease: if this worker dies, the row is due again.
    lease = database_now() + LEASE
    if not stored.filter(due_at__lte=Now()).update(due_at=lease):
        return False
    failpoint("before-cleanup-call")
    try:
        CALLS[Action(row.action)](api, row)
    except StripeRefused as error:
        if not error.missing:
            postpone(row)
            raise
    except StripeUnavailable:
        postpone(row)
        raise
    failpoint("after-cleanup-call")
    # If the same was requested again during the call, the row is due again, and stays so.
    stored.filter(due_at=lease).update(due_at=None, done_at=Now(), email="")
    logger.info("Cleanup at Stripe: %s %s.", row.action, row.object_id)
    return True


def postpone(row: CleanupRequest) -> None:
    wait: timedelta = backoff(row.failures, first=LEASE, longest=LONGEST_WAIT, jitter=0)
    CleanupRequest.objects.filter(pk=row.pk).update(due_at=Now() + wait, failures=F("failures") + 1)


def expire_session(api: StripeApi, row: CleanupRequest) -> None:
    close_page(api, row.object_id)


def close_page(api: StripeApi, session_id: str) -> None:
    try:
        api.expire_checkout_session(session_id)
    except StripeRefused:
        session = api.checkout_session(session_id)
        if session.text("status") == "open":
            raise
        # It was paid before we could close it.
        if subscription_id := session.ref("subscription"):
            erasures.cancel(subscription_id)


def cancel_subscription(api: StripeApi, row: CleanupRequest) -> None:
    api.cancel_subscription(row.object_id)


def delete_customer(api: StripeApi, row: CleanupRequest) -> None:
    """Close the customer's pages, and delete it. Stripe then cancels its subscriptions and accepts no new page."""
    for session_id in api.open_checkout_sessions(row.object_id):
        close_page(api, session_id)
    api.delete_customer(row.object_id)
    Customer.objects.filter(pk=row.object_id, deleted_at=None).update(deleted_at=Now())


def find_customer(api: StripeApi, row: CleanupRequest) -> None:
    """Look for the customer of a call whose response never arrived."""
    if customer_id := api.find_customer(email=row.email, metadata={"request": row.object_id}):
        erasures.request(Action.DELETE_CUSTOMER, customer_id)


def update_address(api: StripeApi, row: CleanupRequest) -> None:
    """Send Stripe the address that the user has now, which can be newer than the request."""
    if (user := user_of(row)) is not None:
        api.update_customer(row.object_id, email=user.email)


def update_name(api: StripeApi, row: CleanupRequest) -> None:
    """Send Stripe the name that the user has now, which can be empty."""
    if (user := user_of(row)) is not None:
        api.update_customer(row.object_id, name=user.name)


def user_of(row: CleanupRequest) -> User | None:
    customer = Customer.objects.usable().select_related("user").filter(pk=row.object_id).first()
    return customer.user if customer is not None else None


CALLS: Mapping[Action, Callable[[StripeApi, CleanupRequest], None]] = {
    Action.EXPIRE_SESSION: expire_session,
    Action.CANCEL_SUBSCRIPTION: cancel_subscription,
    Action.DELETE_CUSTOMER: delete_customer,
    Action.FIND_CUSTOMER: find_customer,
    Action.UPDATE_ADDRESS: update_address,
    Action.UPDATE_NAME: update_name,
}
