"""Questions to Stripe about what events leave open: the true state of a subscription, and a customer's address.

A beat task asks them, never a webhook's request, because Stripe waits for its response.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from billing.errors import StripeRefused, StripeUnavailable
from billing.gateway.api import StripeApi
from billing.models import StripeEvent, Subscription
from billing.payloads import CustomerRef, SubscriptionState
from billing.services import subscriptions
from billing.services.customers import identify, record_deletion
from common.db import database_now
from common.retry import backoff

logger = logging.getLogger(__name__)

Subject = TypeVar("Subject")

QUESTIONS_PER_ROUND = 20
ROUND_TIMEOUT = timedelta(seconds=30)  # for all calls of one round together
LEASE = timedelta(seconds=60)  # the rows of a worker that died are due again after this
LONGEST_WAIT = timedelta(hours=1)


def refresh_subscriptions() -> int:
    """Ask Stripe for the state of due subscriptions and store it. Returns how many were refreshed."""
    due = Subscription.objects.filter(refresh_at__lte=Now()).order_by("refresh_at")
    return ask_in_turn(refresh, due[:QUESTIONS_PER_ROUND])


def find_addresses() -> int:
    """Ask Stripe for the addresses that emails wait for. Returns how many were found; their events are due then."""
    return ask_in_turn(find_address, customers_without_address())


def ask_in_turn(ask: Callable[[StripeApi, Subject], bool], subjects: Iterable[Subject]) -> int:
    """Ask about each subject, and return how many questions succeeded. Stops if the next one would fail as well."""
    succeeded = 0
    api: StripeApi | None = None
    for subject in subjects:
        # Created for the first subject, because it imports Stripe's package, which takes 30 MB.
        api = api or StripeApi(ROUND_TIMEOUT, retries=0)
        try:
            succeeded += ask(api, subject)
        except StripeUnavailable:
            break
        except StripeRefused as error:
            if error.is_key_rejected:
                break
    return succeeded


def refresh(api: StripeApi, subscription: Subscription) -> bool:
    """Ask for one subscription's state and store it. Returns False if another worker is asking.

    Raises ``StripeRefused`` or ``StripeUnavailable``.
    """
    lease = claim(subscription)
    if lease is None:
        return False
    # Taken before the call: an event that arrives while we wait may be newer than the answer.
    asked_at = datetime.now(UTC)
    try:
        state = SubscriptionState.read(api.subscription(subscription.pk))
    except StripeRefused as error:
        settle(subscription, lease) if error.missing else postpone(subscription)
        raise
    except StripeUnavailable:
        postpone(subscription)
        raise
    version = subscriptions.version_of(asked_at, subscriptions.ANSWER_RANK)
    with transaction.atomic():
        subscriptions.record_state(state, version, is_answer=True)
        settle(subscription, lease, version)
    return True


def claim(subscription: Subscription) -> datetime | None:
    """Return until when this worker alone may ask, or None if another one is asking."""
    lease = database_now() + LEASE
    due = Subscription.objects.filter(pk=subscription.pk, refresh_at__lte=Now())
    return lease if due.update(refresh_at=lease) else None


def settle(subscription: Subscription, lease: datetime, version: str = "") -> None:
    """Record that nothing is left to ask, unless an event arrived meanwhile or the answer was outdated."""
    row = Subscription.objects.filter(pk=subscription.pk)
    row.update(refresh_failures=0)
    unchanged = row.filter(refresh_at=lease)
    (unchanged.filter(version__lte=version) if version else unchanged).update(refresh_at=None)


def postpone(subscription: Subscription) -> None:
    wait = backoff(subscription.refresh_failures, first=LEASE, longest=LONGEST_WAIT, jitter=0)
    row = Subscription.objects.filter(pk=subscription.pk)
    row.update(refresh_at=Now() + wait, refresh_failures=F("refresh_failures") + 1)


def customers_without_address() -> Iterator[str]:
    due = StripeEvent.objects.exclude(waits_for="").filter(due_at__lte=Now())
    yield from due.order_by("waits_for").values_list("waits_for", flat=True).distinct()[:QUESTIONS_PER_ROUND]


def find_address(api: StripeApi, customer_id: str) -> bool:
    """Ask for one customer, and store its address and user. Returns whether it has an address."""
    customer = api.customer(customer_id)
    if customer.is_true("deleted"):
        record_deletion(customer_id)
    ref = CustomerRef.read(customer_id, customer)
    with transaction.atomic():
        identify(ref)
    return bool(ref.email)
