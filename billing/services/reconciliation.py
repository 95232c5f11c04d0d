"""What events leave open is asked of Stripe, by a beat task: the true state of a subscription, a customer's address."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from billing.errors import StripeRefused, StripeUnavailable
from billing.gateway.api import StripeApi
from billing.models import StripeEvent, Subscription
from billing.payloads import Party, SubscriptionState
from billing.payloads.values import address, inner, text, user_id_of
from billing.services import subscriptions
from billing.services.customers import identify, note_deletion
from common.db import database_now

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 20
PATIENCE = timedelta(seconds=30)  # for all calls of one round
LEASE = timedelta(seconds=60)  # after which the rows of a dead worker are due again
LONGEST_WAIT = timedelta(hours=1)


def refresh_subscriptions() -> int:
    """Let due subscriptions become what Stripe says they are; returns how many did."""
    api = StripeApi(PATIENCE, retries=0)
    due = Subscription.objects.filter(refresh_at__lte=Now()).order_by("refresh_at")
    refreshed = 0
    for subscription in due[:MOST_AT_ONCE]:
        try:
            refreshed += refresh(api, subscription)
        except StripeUnavailable:
            break  # the next would fare no better
        except StripeRefused as error:
            if error.concerns_the_key:
                break
    return refreshed


def refresh(api: StripeApi, subscription: Subscription) -> bool:
    """False where another worker does it. Raises what Stripe's answer to the question was."""
    lease = claim(subscription)
    if lease is None:
        return False
    at = datetime.now(UTC)
    try:
        state = SubscriptionState.read(api.subscription(subscription.pk))
    except StripeRefused as error:
        settle(subscription, lease) if error.missing else postpone(subscription)
        raise
    except StripeUnavailable:
        postpone(subscription)
        raise
    version = subscriptions.version_of(at, subscriptions.ASKED)
    with transaction.atomic():
        subscriptions.apply(state, version, was_asked=True)
        settle(subscription, lease, version)
    return True


def claim(subscription: Subscription) -> datetime | None:
    """Until when nobody else asks; None where somebody does already."""
    lease = database_now() + LEASE
    due = Subscription.objects.filter(pk=subscription.pk, refresh_at__lte=Now())
    return lease if due.update(refresh_at=lease) else None


def settle(subscription: Subscription, lease: datetime, version: str = "") -> None:
    """Nothing is left to ask, unless an event came meanwhile, or what is known is newer than the answer."""
    row = Subscription.objects.filter(pk=subscription.pk)
    row.update(refresh_failures=0)
    answered = row.filter(refresh_at=lease)
    (answered.filter(version__lte=version) if version else answered).update(refresh_at=None)


def postpone(subscription: Subscription) -> None:
    wait: timedelta = min(LEASE * 2 ** min(subscription.refresh_failures, 10), LONGEST_WAIT)
    row = Subscription.objects.filter(pk=subscription.pk)
    row.update(refresh_at=Now() + wait, refresh_failures=F("refresh_failures") + 1)


def find_addresses() -> int:
    """Ask for the addresses that mails wait for; returns how many were found. Their events are due then."""
    waiting = [*customers_waited_for()]
    if not waiting:
        return 0
    api = StripeApi(PATIENCE, retries=0)
    found = 0
    for customer_id in waiting:
        try:
            found += learn(customer_id, api)
        except StripeUnavailable:
            break
        except StripeRefused as error:
            if error.concerns_the_key:
                break
    return found


def customers_waited_for() -> Iterator[str]:
    due = StripeEvent.objects.exclude(waits_for="").filter(due_at__lte=Now())
    yield from due.order_by("waits_for").values_list("waits_for", flat=True).distinct()[:MOST_AT_ONCE]


def learn(customer_id: str, api: StripeApi) -> bool:
    """What we told Stripe when we made the customer, and what it was told since."""
    customer = api.customer(customer_id)
    if customer.get("deleted"):
        note_deletion(customer_id)
    party = Party(
        customer_id, user_id_of(inner(customer, "metadata")), address(customer.get("email")), text(customer.get("name"))
    )
    with transaction.atomic():
        identify(party)
    return bool(party.email)
