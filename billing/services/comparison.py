"""The daily comparison with Stripe, which finds what lost events and outages left behind.

It walks along Stripe's lists page by page, in short rounds. Its state is one row (models/comparisons.py), which is
saved after each page, so a restart or an outage at Stripe only delays it. drift.py decides about what it finds.
"""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Min, Q
from django.db.models.functions import Now
from django.utils import timezone

from billing.errors import StripeRefused, StripeUnavailable
from billing.gateway.api import StripeApi
from billing.models import Comparison, Customer, Drift, Subscription
from billing.models.comparisons import GRACE
from billing.payloads import CustomerRef, StripeObject, SubscriptionState
from billing.services import differences, drift
from common.batches import delete_in_batches
from common.db import database_now, insert_if_absent
from common.retry import backoff

logger = logging.getLogger(__name__)

INTERVAL = timedelta(days=1)
ROUND = timedelta(seconds=40)  # no call is started after this
ROUND_TIMEOUT = ROUND + timedelta(seconds=10)  # for all calls of a round
LEASE = timedelta(seconds=90)  # longer than a round; the round of a worker that died is repeated after it
LONGEST_WAIT = timedelta(hours=1)
PAGE_SIZE = 50  # a page must stay below the size that our connections accept
QUESTIONS = 20  # in a step that asks about single objects
KEPT_FOR = timedelta(days=90)

Phase = Comparison.Phase
PHASES = (*Phase,)
# Returns the next cursor, or None if the phase is complete.
Step = Callable[[StripeApi, Comparison], str | None]


def compare() -> bool:
    """Do one round if one is due. Returns whether it did."""
    if not settings.STRIPE_SECRET_KEY:
        return False
    state = claim()
    if state is None:
        return False
    try:
        work(StripeApi(ROUND_TIMEOUT, retries=0), state)
    except (StripeUnavailable, StripeRefused) as error:
        if isinstance(error, StripeRefused) and error.missing and state.cursor:
            save(state, cursor="", due_at=Now())  # the object at the end of the last page is gone
        else:
            postpone(state, error.retry_after)
    return True


def claim() -> Comparison | None:
    """Return the comparison with this worker's lease as ``due_at``, or None if none is due."""
    insert_if_absent([Comparison(pk=1)])
    lease = database_now() + LEASE
    if not Comparison.objects.filter(pk=1, due_at__lte=Now()).update(due_at=lease):
        return None
    state = Comparison.objects.get(pk=1)
    if state.phase == Phase.SUBSCRIPTIONS and not state.cursor:
        save(state, started_at=database_now(), compared=0)
    return state


def save(state: Comparison, **changes: object) -> bool:
    """Store the changes, unless another worker has taken over. Returns whether they are stored."""
    saved = Comparison.objects.filter(pk=state.pk, due_at=state.due_at).update(**changes)
    state.refresh_from_db()
    return bool(saved)


def postpone(state: Comparison, retry_after: timedelta | None) -> None:
    wait = backoff(state.failures, first=timedelta(minutes=1), longest=LONGEST_WAIT, jitter=0)
    save(state, due_at=Now() + max(wait, retry_after or wait), failures=F("failures") + 1)


def work(api: StripeApi, state: Comparison) -> None:
    """Take at least one step, and more until the time is over or nothing is left to do today."""
    ends_at = time.monotonic() + ROUND.total_seconds()
    while step(api, state):
        if time.monotonic() >= ends_at:
            save(state, due_at=Now())
            return


def step(api: StripeApi, state: Comparison) -> bool:
    """Take a step and save where it ended. Returns whether this worker may take another one."""
    phase = Phase(state.phase)
    cursor = STEPS[phase](api, state)
    if cursor is not None:
        return save(state, failures=0, cursor=cursor)
    if phase == Phase.CONFIRMATION:
        finish(state)
        return False
    return save(state, failures=0, cursor="", phase=PHASES[PHASES.index(phase) + 1])


def finish(state: Comparison) -> None:
    """End the comparison, or wait until the youngest suspicion can be confirmed."""
    first = Drift.objects.suspected().aggregate(first=Min("found_at"))["first"]
    if first is not None:
        save(state, due_at=first + GRACE, failures=0)
        return
    started_at, compared = state.started_at, state.compared
    start = {"phase": Phase.SUBSCRIPTIONS, "cursor": "", "failures": 0}
    if save(state, **start, finished_at=Now(), due_at=started_at + INTERVAL):
        report(started_at, compared)


def report(started_at: datetime, compared: int) -> None:
    found = Drift.objects.filter(confirmed_at__gte=started_at).count()
    still_open = Drift.objects.open().count()
    level = logging.WARNING if found or still_open else logging.INFO
    logger.log(
        level,
        "Compared %d subscriptions and customers with Stripe: %d new differences, %d still open. See the admin.",
        compared,
        found,
        still_open,
    )


# The steps


def walk_subscriptions(api: StripeApi, state: Comparison) -> str | None:
    page = api.subscriptions(after=state.cursor, limit=page_size(state))
    states = [SubscriptionState.read(item) for item in page.objects("data") if item.id]
    rows = Subscription.objects.in_bulk([found.id for found in states])
    known = Customer.objects.ours().filter(pk__in=[found.customer.id for found in states])
    ours = {*known.values_list("pk", flat=True)}
    # Others can use the same Stripe account.
    compared = [found for found in states if found.customer.is_marked or found.customer.id in ours]
    for found in compared:
        drift.note(Drift.Kind.SUBSCRIPTION, found.id, differences.of_subscription(rows.get(found.id), found))
    mark(state, Subscription.objects.filter(pk__in=[found.id for found in compared]), len(compared))
    return next_cursor(page, state)


def ask_about_subscriptions(api: StripeApi, state: Comparison) -> str | None:
    """Ask about live subscriptions that Stripe's list didn't contain: they have ended, or Stripe doesn't know them."""
    ours = Subscription.objects.live().filter(customer__in=Customer.objects.ours())
    rows = [*ours.filter(not_compared(state), pk__gt=state.cursor).order_by("pk")[:QUESTIONS]]
    for row in rows:
        found = drift.subscription_at_stripe(api, row.pk)
        drift.note(Drift.Kind.SUBSCRIPTION, row.pk, differences.of_subscription(row, found))
    mark(state, Subscription.objects.filter(pk__in=[row.pk for row in rows]), len(rows))
    return rows[-1].pk if rows else None


def walk_customers(api: StripeApi, state: Comparison) -> str | None:
    page = api.customers(after=state.cursor, limit=page_size(state))
    refs = {item.id: CustomerRef.read(item.id, item) for item in page.objects("data") if item.id}
    rows = [*Customer.objects.ours().usable().select_related("user").filter(pk__in=refs)]
    for row in rows:
        drift.note(Drift.Kind.CUSTOMER, row.pk, differences.of_customer(row, refs[row.pk]))
    mark(state, Customer.objects.filter(pk__in=[row.pk for row in rows]), len(rows))
    return next_cursor(page, state)


def ask_about_customers(api: StripeApi, state: Comparison) -> str | None:
    unseen = Customer.objects.ours().usable().select_related("user").filter(not_compared(state), pk__gt=state.cursor)
    rows = [*unseen.order_by("pk")[:QUESTIONS]]
    for row in rows:
        found = drift.customer_at_stripe(api, row.pk)
        drift.note(Drift.Kind.CUSTOMER, row.pk, differences.of_customer(row, found))
    mark(state, Customer.objects.filter(pk__in=[row.pk for row in rows]), len(rows))
    return rows[-1].pk if rows else None


def confirm(api: StripeApi, state: Comparison) -> str | None:
    """Ask again about what is suspected, and about older differences that the walk didn't meet."""
    outdated = Drift.objects.open().filter(checked_at__lt=state.started_at)
    rows = [*(Drift.objects.due() | outdated).order_by("found_at")[:QUESTIONS]]
    for row in rows:
        drift.examine(api, row)
    return state.cursor if rows else None


STEPS: Mapping[Phase, Step] = {
    Phase.SUBSCRIPTIONS: walk_subscriptions,
    Phase.MISSING_SUBSCRIPTIONS: ask_about_subscriptions,
    Phase.CUSTOMERS: walk_customers,
    Phase.MISSING_CUSTOMERS: ask_about_customers,
    Phase.CONFIRMATION: confirm,
}


def page_size(state: Comparison) -> int:
    """Return a size that halves with each failure, because a page may have been too large for our connections."""
    return max(PAGE_SIZE >> state.failures, 1)


def next_cursor(page: StripeObject, state: Comparison) -> str | None:
    ids = [item.id for item in page.objects("data") if item.id]
    return ids[-1] if ids and page.is_true("has_more") and ids[-1] != state.cursor else None


def not_compared(state: Comparison) -> Q:
    return Q(compared_at=None) | Q(compared_at__lt=state.started_at)


def mark(state: Comparison, rows: Any, count: int) -> None:
    rows.update(compared_at=state.started_at)
    state.compared += count
    Comparison.objects.filter(pk=state.pk).update(compared=state.compared)


def purge() -> int:
    """Delete old differences that are closed, and return how many."""
    return delete_in_batches(Drift.objects.filter(closed_at__lt=timezone.now() - KEPT_FOR), "closed_at")
