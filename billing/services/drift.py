"""The differences from Stripe that the comparison finds: they are confirmed, repaired where that is safe, and closed.

An event on its way explains most differences. So one is only suspected at first, and nothing is reported until Stripe
was asked again ten minutes later. What Stripe then says is certain, and is stored as reconciliation.py does.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

from django.db import transaction
from django.db.models.functions import Now

from billing.errors import StripeRefused
from billing.gateway.api import StripeApi
from billing.models import CleanupRequest, Customer, Drift, Subscription
from billing.payloads import CustomerRef, SubscriptionState
from billing.services import differences, erasures, subscriptions, versions
from billing.services.customers import NotOurs, record_deletion, record_update
from billing.services.differences import Differences
from common.db import insert_if_absent

logger = logging.getLogger(__name__)

Kind = Drift.Kind


def note(kind: Kind, object_id: str, found: Differences) -> None:
    """Store what the comparison found out about an object. Without a difference, its row is closed."""
    known = Drift.objects.of(object_id)
    if not found:
        resolve(object_id)
    elif not known.update(differences=found, checked_at=Now()):
        insert_if_absent([Drift(kind=kind, object_id=object_id, differences=found)])


def resolve(object_id: str) -> None:
    """Both agree. A suspicion was wrong, so nothing remains of it."""
    known = Drift.objects.of(object_id)
    known.filter(confirmed_at=None).delete()
    known.update(closed_at=Now(), checked_at=Now())


def take_states(rows: Iterable[Drift]) -> Iterator[tuple[Drift, bool]]:
    """Ask Stripe now, and yield each difference with whether both agree. All calls share the deadline of one request.

    Raises ``BillingError`` if Stripe can't be asked.
    """
    api = StripeApi()
    for row in rows:
        examine(api, row)
        yield row, not Drift.objects.of(row.object_id).exists()


def examine(api: StripeApi, drift: Drift) -> None:
    """Ask Stripe about the object again, and confirm the difference, repair it, or close it.

    Raises ``StripeRefused`` or ``StripeUnavailable``. Then nothing has changed.
    """
    if drift.kind == Kind.SUBSCRIPTION:
        examine_subscription(api, drift)
    else:
        examine_customer(api, drift)


def examine_subscription(api: StripeApi, drift: Drift) -> None:
    # The answer counts as of the time before the call, because an event that arrives during it may be newer.
    asked_at = datetime.now(UTC)
    state = subscription_at_stripe(api, drift.object_id)
    found = differences.of_subscription(subscription_here(drift.object_id), state)
    if found and confirm(drift, found) and state is not None:
        # Rows of others exist from the time before marks were introduced.
        with transaction.atomic(), suppress(NotOurs):
            subscriptions.record_state(state, versions.of_api_response(asked_at), is_from_api=True)
        found = differences.of_subscription(subscription_here(drift.object_id), state)
    note(Kind.SUBSCRIPTION, drift.object_id, found)


def examine_customer(api: StripeApi, drift: Drift) -> None:
    asked_at = datetime.now(UTC)
    ref = customer_at_stripe(api, drift.object_id)
    row = customer_here(drift.object_id)
    found = differences.of_customer(row, ref)
    if row is not None and found and confirm(drift, found):
        repair_customer(row, ref, asked_at)
        found = differences.of_customer(customer_here(drift.object_id), ref)
    note(Kind.CUSTOMER, drift.object_id, found)


def repair_customer(row: Customer, ref: CustomerRef | None, asked_at: datetime) -> None:
    """Store what Stripe says. An address here that Stripe never learned is sent there."""
    if ref is None:
        record_deletion(row.pk)
    elif row.user is not None and ref.email in ("", row.email):
        erasures.request_again(CleanupRequest.Action.UPDATE_ADDRESS, row.pk)
    else:
        with transaction.atomic(), suppress(NotOurs):
            record_update(ref, asked_at)


def confirm(drift: Drift, found: Differences) -> bool:
    """Count the difference as real. Returns False if another worker has closed it."""
    if drift.confirmed_at is None:
        names = ", ".join(found)
        logger.warning("The %s %s differs from Stripe: %s.", drift.kind, drift.object_id, names)
    open_row = Drift.objects.filter(pk=drift.pk, closed_at=None)
    return bool(open_row.update(confirmed_at=drift.confirmed_at or Now(), differences=found, checked_at=Now()))


def subscription_here(subscription_id: str) -> Subscription | None:
    return Subscription.objects.filter(pk=subscription_id).first()


def customer_here(customer_id: str) -> Customer | None:
    return Customer.objects.select_related("user").filter(pk=customer_id).first()


def subscription_at_stripe(api: StripeApi, subscription_id: str) -> SubscriptionState | None:
    """Return the state, or None if Stripe doesn't know the subscription."""
    try:
        return SubscriptionState.read(api.subscription(subscription_id))
    except StripeRefused as error:
        if error.missing:
            return None
        raise


def customer_at_stripe(api: StripeApi, customer_id: str) -> CustomerRef | None:
    """Return what Stripe says, or None if it deleted the customer or doesn't know it."""
    try:
        customer = api.customer(customer_id)
    except StripeRefused as error:
        if error.missing:
            return None
        raise
    return None if customer.is_true("deleted") else CustomerRef.read(customer_id, customer)
