"""Without a payment, access ends BILLING_GRACE_DAYS after the first one failed: by the clock, or as Stripe says."""

import time
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.access import user_has_plan, user_has_subscription
from billing.models import Customer, Subscription
from billing.models.access import EVENT_DELAY
from billing.services import reconciliation
from billing.tasks import handle_due_events, keep_deadlines
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all

NOW = int(time.time())
DAY, HOUR = 86400, 3600
GRACE = 3
SUBSCRIPTION, INVOICE = "sub_1SPb7zKq4RtYw2Vd", "in_1SaT00Kq4RtYw2VdRenewal02"
PRO = "price_1SNa2bKq4RtYw2VdPro9Month"

few = settings(
    max_examples=150, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@pytest.fixture(autouse=True)
def grace(settings) -> None:
    settings.BILLING_GRACE_DAYS = GRACE


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def subscription(generation, *, start, end=NOW + 20 * DAY, **values):
    """Return the event of a subscription whose current period begins and ends at these times."""
    event = payload("customer_subscription_created", generation)
    period = {"current_period_start": start, "current_period_end": end}
    [item] = event["data"]["object"]["items"]["data"]
    where = period if generation == "old" else {"items": {"data": [item | period]}}
    values = {"status": "past_due", "latest_invoice": INVOICE, "created": NOW - 60, **where, **values}
    return changed(event, "customer.subscription.updated", **values)


def failed(generation, at, event_type="", **values):
    event = payload("invoice_payment_failed_renewal", generation)
    return changed(event, event_type, **{"next_payment_attempt": NOW + DAY, "created": at, **values})


def has_access(ada):
    by_query = user_has_plan(ada, "pro")
    row = Subscription.objects.get()
    current = Subscription.objects.current_of(ada.pk)
    assert by_query == user_has_subscription(ada) == row.gives_access == (current is not None and current.gives_access)
    return by_query


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(("failed_ago", "expected"), [(GRACE * DAY - HOUR, True), (GRACE * DAY + 60, False)])
def test_grace_begins_with_the_first_failed_payment(ada, generation, failed_ago, expected):
    at = NOW - failed_ago
    events = [
        subscription(generation, start=at - 12 * DAY, created=at),  # the period itself was paid
        failed(generation, at),
        failed(generation, NOW - HOUR, attempt_count=2),
    ]
    for order in permutations(events):
        with transaction.atomic():
            post_all([changed(event, created=event["created"]) for event in order])
            assert has_access(ada) is expected, [event["type"] for event in order]
            assert Subscription.objects.get().unpaid_since == moment(at)
            transaction.set_rollback(True)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param(NOW - 2 * DAY, NOW + 28 * DAY, True, id="new period began within the grace period"),
        pytest.param(NOW - 4 * DAY, NOW + 26 * DAY, False, id="new period began before"),
        pytest.param(NOW - 32 * DAY, NOW - 2 * DAY, True, id="period ended within the grace period"),
        pytest.param(NOW - 34 * DAY, NOW - 4 * DAY, False, id="period ended before"),
    ],
)
def test_without_a_failure_event_it_begins_with_the_unpaid_period(ada, generation, start, end, expected):
    post(subscription(generation, start=start, end=end))
    assert has_access(ada) is expected


def test_without_the_setting_access_lasts_as_long_as_stripe_retries(ada, settings):
    settings.BILLING_GRACE_DAYS = None
    post_all([failed("new", NOW - 300 * DAY), subscription("new", start=NOW - 300 * DAY)])
    assert has_access(ada)
    assert Subscription.objects.get().grace_ends_at is None


def test_zero_days_end_access_with_the_failure(ada, settings):
    settings.BILLING_GRACE_DAYS = 0
    post_all([failed("new", NOW - 60), subscription("new", start=NOW - HOUR)])
    assert not has_access(ada)


def test_payment_gives_access_again_in_any_order(ada):
    paid = failed("new", NOW - 30, "invoice.paid", status="paid", amount_paid=2900)
    events = [failed("new", NOW - 5 * DAY), subscription("new", start=NOW - 5 * DAY, created=NOW - 5 * DAY), paid]
    for order in permutations(events):
        with transaction.atomic():
            post_all([changed(event, created=event["created"]) for event in order])
            assert has_access(ada), [event["type"] for event in order]
            transaction.set_rollback(True)


def test_next_period_gives_no_new_grace(ada):
    post_all([failed("new", NOW - 40 * DAY), subscription("new", start=NOW - 40 * DAY, created=NOW - 40 * DAY)])
    post_all([failed("new", NOW - DAY, id="in_next"), subscription("new", start=NOW - DAY, latest_invoice="in_next")])
    assert not has_access(ada)


# With a key, Stripe is asked


@pytest.fixture
def overdue(ada, stripe_api):
    """Post a subscription whose payment failed a day more than the grace period ago, and have Stripe confirm it."""
    at = NOW - (GRACE + 1) * DAY
    event = subscription("new", start=at, created=at)
    stripe_api.subscriptions[SUBSCRIPTION] = event["data"]["object"]
    post_all([failed("new", at), event])
    return stripe_api


def test_access_continues_until_stripe_has_been_asked(ada, overdue):
    assert has_access(ada)
    handle_due_events()
    assert not has_access(ada)


def test_access_continues_if_stripe_says_it_is_paid(ada, overdue):
    overdue.subscriptions[SUBSCRIPTION]["status"] = "active"
    handle_due_events()
    assert has_access(ada)


def test_access_continues_while_stripe_is_away(ada, overdue):
    overdue.faults = ["500"] * 5
    handle_due_events()
    assert has_access(ada)
    assert Subscription.objects.get().refresh_at is not None


def test_stripe_is_asked_when_the_grace_period_ends(ada, stripe_api):
    event = subscription("new", start=NOW - DAY, created=NOW - DAY)
    stripe_api.subscriptions[SUBSCRIPTION] = event["data"]["object"]
    post_all([failed("new", NOW - DAY), event])
    handle_due_events()
    row = Subscription.objects.get()
    assert row.refresh_at == row.grace_ends_at == moment(NOW - DAY + GRACE * DAY)


def test_shortened_grace_period_leads_to_a_question(ada, stripe_api, settings):
    settings.BILLING_GRACE_DAYS = 30
    at = NOW - 10 * DAY
    event = subscription("new", start=at, created=at)
    stripe_api.subscriptions[SUBSCRIPTION] = event["data"]["object"]
    post_all([failed("new", at), event])
    Subscription.objects.update(reported_at=moment(at), refresh_at=timezone.now() + timedelta(days=9))
    settings.BILLING_GRACE_DAYS = GRACE
    assert has_access(ada)
    keep_deadlines()
    assert reconciliation.refresh_subscriptions() == 1
    assert not has_access(ada)


# Query and property agree

dates = st.one_of(
    st.none(),
    st.sampled_from([-400, -GRACE - 1, -GRACE, -GRACE + 1, -1, 0, 1, 400]).map(lambda days: NOW + days * DAY + 600),
    st.just(253402300799),
)
states = st.fixed_dictionaries(
    {
        "status": st.sampled_from(
            [
                "active",
                "trialing",
                "past_due",
                "past_due",
                "past_due",
                "unpaid",
                "paused",
                "canceled",
                "incomplete",
                "?",
            ]
        ),
        "price_id": st.sampled_from([PRO, PRO, PRO, "price_other", ""]),
        "cancel_at": dates,
        "trial_end": dates,
        "without_card": st.sampled_from(["", "cancel", "pause"]),
        "current_period_end": dates,
        "unpaid_since": dates,
        "reported_at": dates,
    }
)
MOMENTS = ("cancel_at", "trial_end", "current_period_end", "unpaid_since", "reported_at")


@few
@given(values=states, days=st.sampled_from([None, 0, GRACE, 3650]), key=st.sampled_from(["", "sk_test_x"]))
def test_query_and_property_agree(ada, values, days, key):
    values = {name: moment(value) if name in MOMENTS and value else value for name, value in values.items()}
    saved = django_settings.BILLING_GRACE_DAYS, django_settings.STRIPE_SECRET_KEY
    django_settings.BILLING_GRACE_DAYS, django_settings.STRIPE_SECRET_KEY = days, key
    try:
        with transaction.atomic():
            customer = Customer.objects.create(pk="cus_1", user=ada)
            row = Subscription.objects.create(pk=SUBSCRIPTION, customer=customer, **values)
            assert has_access(ada) is expected_access(values, days, key)
            assert row.next_question_at is None or row.next_question_at > timezone.now() - EVENT_DELAY - timedelta(3650)
            transaction.set_rollback(True)
    finally:
        django_settings.BILLING_GRACE_DAYS, django_settings.STRIPE_SECRET_KEY = saved


def expected_access(values, days, key):
    """Work out from the documentation, a second time, whether the subscription gives access."""
    now = timezone.now()
    if values["status"] not in ("active", "trialing", "past_due") or values["price_id"] != PRO:
        return False
    since = values["unpaid_since"] or values["current_period_end"]
    if values["status"] == "past_due" and days is not None and since and since.year < 9999:
        end = since + timedelta(days=days)
        is_confirmed = values["reported_at"] is not None and values["reported_at"] >= end
        if end <= now and (is_confirmed or not key):
            return False
    if key:
        return True
    if values["cancel_at"] and values["cancel_at"] <= now:
        return False
    is_abandoned = values["status"] == "trialing" and values["without_card"] and values["trial_end"]
    return not (is_abandoned and values["trial_end"] <= now - EVENT_DELAY)
