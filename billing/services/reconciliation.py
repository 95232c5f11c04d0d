"""Questions to Stripe about what events leave open: a subscription's current state, and a customer's address.

A beat task asks them, never a webhook's request, because Stripe waits for that request's response. Each question has a
lease: the worker that asks moves the row's due time into the future, so that no other worker asks at the same time, and
the row is due again if the worker dies.
"""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.errors import StripeRefused, StripeUnavailable
from billing.gateway.api import StripeApi
from billing.models import StripeEvent, Subscription
from billing.models.grace import grace_period, has_grace
from billing.payloads import CustomerRef, StripeObject, SubscriptionState
from billing.services import endings, subscriptions, versions
from billing.services.customers import NotOurs, identify, record_deletion
from common.db import database_now, index_walks
from common.retry import backoff

logger = logging.getLogger(__name__)

Subject = TypeVar("Subject")

QUESTIONS_PER_ROUND = 20
# All calls of one round together take at most this long.
ROUND_TIMEOUT = timedelta(seconds=30)
# The rows of a worker that died are due again after this. It is longer than a round, so no two workers ask about one
# row.
LEASE = timedelta(seconds=60)
LONGEST_WAIT = timedelta(hours=1)


def refresh_subscriptions() -> int:
    """Ask Stripe for the state of due subscriptions and store it. Returns how many were refreshed."""
    with index_walks():
        due = list(Subscription.objects.filter(refresh_at__lte=Now()).order_by("refresh_at")[:QUESTIONS_PER_ROUND])
    return ask_in_turn(refresh, due)


def ask_about_overdue_payments() -> int:
    """Make the subscriptions due whose grace period is over, and return how many there were.

    Usually that is scheduled already. It isn't if BILLING_GRACE_DAYS has been shortened, or set for the first time.
    """
    grace = grace_period()
    if grace is None:
        return 0
    overdue = Subscription.objects.filter(status="past_due", unpaid_since__lte=Now() - grace)
    unasked = overdue.filter(has_grace()).filter(Q(refresh_at=None) | Q(refresh_at__gt=Now() + LONGEST_WAIT))
    with index_walks():
        keys = list(unasked.order_by("unpaid_since").values_list("pk", flat=True))
    return Subscription.objects.filter(pk__in=keys).update(refresh_at=Now())


def find_addresses() -> int:
    """Ask Stripe for the addresses that emails wait for, and return how many were found.

    Storing an address makes the events that wait for it due.
    """
    return ask_in_turn(find_address, customers_without_address())


def ask_in_turn(question: Callable[[StripeApi, Subject], bool], subjects: Iterable[Subject]) -> int:
    """Ask about each subject, and return how many questions succeeded. Stops early if the next one would fail too."""
    succeeded = 0
    api: StripeApi | None = None
    for subject in subjects:
        # Usually nothing is due, and a client imports Stripe's package, which takes 30 MB. A retry within the round
        # would take time from the other subjects, and the next round is a retry anyway.
        api = api or StripeApi(ROUND_TIMEOUT, retries=0)
        try:
            succeeded += question(api, subject)
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
    # The answer counts as of the time before the call, because an event that arrives during it may be newer.
    version = versions.of_api_response(datetime.now(UTC))
    answer = ask(api, subscription, lease)
    with transaction.atomic():
        next_at = None
        # Rows of others exist from the time before marks were introduced.
        with suppress(NotOurs):
            payer, subscription = subscriptions.record_answer(answer, version)
            endings.announce_found(payer, subscription, SubscriptionState.read(answer))
            next_at = subscription.next_question_at
        settle(subscription, lease, version, next_at)
    return True


def ask(api: StripeApi, subscription: Subscription, lease: datetime) -> StripeObject:
    """Return Stripe's answer. If there is none, schedule the next question and raise the error again."""
    try:
        answer = with_all_items(api, api.subscription(subscription.pk))
        answer.require_id()
        return answer
    except StripeRefused as error:
        # Stripe doesn't know a subscription of the other mode, or of another account. Asking again can't help.
        settle(subscription, lease) if error.missing else postpone(subscription)
        raise
    except StripeUnavailable:
        postpone(subscription)
        raise


def with_all_items(api: StripeApi, subscription: StripeObject) -> StripeObject:
    """Return the subscription with all of its items. Stripe sends the first ten."""
    if not subscription.inner("items").is_true("has_more"):
        return subscription
    return StripeObject({**subscription.data, "items": api.subscription_items(subscription.id).data})


def claim(subscription: Subscription) -> datetime | None:
    """Return the end of this worker's lease, or None if another worker holds one."""
    lease = database_now() + LEASE
    due = Subscription.objects.filter(pk=subscription.pk, refresh_at__lte=Now())
    return lease if due.update(refresh_at=lease) else None


def settle(subscription: Subscription, lease: datetime, version: str = "", next_at: datetime | None = None) -> None:
    """Record when to ask next, or that nothing is left to ask. If an event arrived during the call, it decides."""
    row = Subscription.objects.filter(pk=subscription.pk)
    row.update(refresh_failures=0)
    # An event sets refresh_at to a new time. If it still equals the lease, no event arrived.
    unchanged = row.filter(refresh_at=lease)
    (unchanged.filter(version__lte=version) if version else unchanged).update(refresh_at=next_at)


def postpone(subscription: Subscription) -> None:
    """Ask again later, after a delay that grows with each failure."""
    wait = backoff(subscription.refresh_failures, first=LEASE, longest=LONGEST_WAIT, jitter=0)
    row = Subscription.objects.filter(pk=subscription.pk)
    row.update(refresh_at=Now() + wait, refresh_failures=F("refresh_failures") + 1)


def customers_without_address() -> list[str]:
    """Return the ids of the customers whose events are waiting for an address and are due now."""
    due = StripeEvent.objects.exclude(waits_for="").filter(due_at__lte=Now())
    with index_walks():
        return list(due.order_by("waits_for").values_list("waits_for", flat=True).distinct()[:QUESTIONS_PER_ROUND])


def find_address(api: StripeApi, customer_id: str) -> bool:
    """Ask for one customer, and store its address and user. Returns whether it has an address."""
    customer = api.customer(customer_id)
    # Stripe doesn't respond with 404 for a deleted customer, but with an object that has this flag.
    if customer.is_true("deleted"):
        record_deletion(customer_id)
    ref = CustomerRef.read(customer_id, customer)
    try:
        with transaction.atomic():
            identify(ref)
    except NotOurs:
        return False
    return bool(ref.email)
