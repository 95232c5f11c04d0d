"""Each fact is announced to the rest of the product once, after its commit, whatever order its events arrive in."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.db import transaction
from django.utils import timezone

from billing import signals
from billing.models import Payment, StripeEvent, Subscription
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all
from billing.tests.test_disputes_staff import OPENED
from billing.webhook import backlog

NAMES = (
    "payment_succeeded",
    "payment_failed",
    "subscription_started",
    "subscription_changed",
    "subscription_ended",
    "trial_ending",
    "dispute_opened",
)
CREATED = 1793620800
PRO = "price_1SNa2bKq4RtYw2VdPro9Month"


@pytest.fixture
def announced():
    """Provide the list of (signal, its arguments) that were sent so far."""
    sent = []

    def receiver_of(name):
        def receive(sender, signal, **values):
            sent.append((name, values))

        return receive

    receivers = {name: receiver_of(name) for name in NAMES}
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver)
    yield sent
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


@pytest.fixture
def names(announced, django_capture_on_commit_callbacks):
    """Provide a function that posts events, each with its commit, and returns the names of the signals so far."""

    def names(*events):
        for event in events:
            with django_capture_on_commit_callbacks(execute=True):
                post(event)
        return [name for name, _ in announced if name != "subscription_changed"]

    return names


def subscription(generation="new", event_type="customer.subscription.updated", **values):
    return changed(payload("customer_subscription_created", generation), event_type, **values)


def story(generation):
    """A subscription from its checkout to its end, with a renewal that failed for good."""
    return [
        payload("checkout_session_completed_subscription", generation),
        payload("invoice_paid_first", generation),
        payload("invoice_payment_failed_renewal", generation),
        subscription(generation, status="active", created=CREATED + 5),
        subscription(generation, "customer.subscription.deleted", status="canceled", created=CREATED + 99),
    ]


STORY = ["payment_failed", "payment_succeeded", "subscription_ended", "subscription_started"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_order_announces_each_fact_once(ada, announced, names, generation):
    events = story(generation)
    for order in permutations(events):
        with transaction.atomic():
            found = names(*order)
            assert sorted(found) == STORY
            assert found.index("subscription_started") < found.index("subscription_ended")
            transaction.set_rollback(True)
        announced.clear()


@pytest.mark.parametrize("generation", GENERATIONS)
def test_replays_announce_nothing(ada, names, django_capture_on_commit_callbacks, generation):
    events = story(generation)
    names(*events, *events, *(changed(event) for event in events))
    with django_capture_on_commit_callbacks(execute=True):
        for event in StripeEvent.objects.all():
            backlog.reprocess(event)
    assert sorted(names()) == STORY


def test_rolled_back_change_is_not_announced(ada, announced, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as callbacks, transaction.atomic():
        post(payload("invoice_paid_first"))
        transaction.set_rollback(True)
    assert (callbacks, announced) == ([], [])


def test_payment_is_passed_as_it_is_stored(ada, announced, names):
    names(payload("invoice_paid_first"))
    payment = announced[0][1]["payment"]
    assert payment == Payment.objects.get()
    assert (payment.user, payment.amount) == (ada, 2900)


def test_each_failed_attempt_is_announced(ada, announced, names):
    failed = payload("invoice_payment_failed_renewal")
    second = changed(failed, attempt_count=2)
    names(failed, changed(failed, "invoice.payment_action_required"), second, second, changed(failed))
    assert [values["attempt"] for name, values in announced if name == "payment_failed"] == [1, 2]


def test_failure_of_a_paid_invoice_is_no_news(ada, names):
    failed = payload("invoice_payment_failed_renewal")
    paid = changed(failed, "invoice.paid", status="paid", amount_paid=2900)
    assert names(paid, failed) == ["payment_succeeded"]


def test_invoice_over_nothing_is_no_payment(ada, names):
    assert names(changed(payload("invoice_paid_first"), amount_paid=0, total=0)) == []


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired"])
def test_subscription_that_never_began_neither_starts_nor_ends(ada, names, status):
    assert names(subscription(status="incomplete"), subscription(status=status, created=CREATED + 9)) == []


def test_subscription_starts_once_although_its_status_comes_back(ada, announced, names):
    statuses = ["active", "past_due", "incomplete", "active", "paused", "active"]
    events = [subscription(status=status, created=CREATED + n) for n, status in enumerate(statuses)]
    assert names(*events) == ["subscription_started"]
    changes = [values["was"] for name, values in announced if name == "subscription_changed"]
    assert changes == ["", *statuses[:-1]]


def test_existing_subscription_is_not_announced_as_new(ada, names):
    Subscription.objects.create(pk="sub_1SPb7zKq4RtYw2Vd", status="active", has_begun=True, price_id=PRO)
    assert names(subscription(status="past_due")) == []


def test_change_of_plan_or_quantity_is_announced(ada, announced, names):
    item = payload("customer_subscription_created")["data"]["object"]["items"]["data"][0]
    more = {"object": "list", "data": [{**item, "quantity": 5}]}
    names(subscription(status="active"), subscription(status="active", items=more, created=CREATED + 9))
    name, values = announced[-1]
    assert (name, values["was"], values["changed"]) == ("subscription_changed", "active", ("quantity",))
    assert values["subscription"].quantity == 5


def trial(end, **values):
    fields = {"status": "trialing", "trial_end": int(end.timestamp()), "created": int(timezone.now().timestamp())}
    return changed(payload("customer_subscription_trial_will_end"), **{**fields, **values})


def test_end_of_a_trial_is_announced_once_for_each_date(ada, names):
    first, second = timezone.now() + timedelta(days=3), timezone.now() + timedelta(days=9)
    event = trial(first)
    found = names(event, changed(event), trial(second, created=event["created"] + 5))
    assert found == ["subscription_started", "trial_ending", "trial_ending"]


def test_end_of_a_past_trial_is_no_news(ada, names):
    ended = trial(timezone.now() + timedelta(days=3), status="active")
    assert "trial_ending" not in names(ended, trial(timezone.now() - timedelta(days=1)))


def test_dispute_is_announced_once_with_its_payment(ada, announced, names, django_capture_on_commit_callbacks):
    closed = changed(OPENED, "charge.dispute.closed", status="won", created=OPENED["created"] + 5)
    names(closed, OPENED, payload("invoice_paid_first"), payload("invoice_payment_paid"))
    StripeEvent.objects.exclude(due_at=None).update(due_at=timezone.now() - timedelta(days=1))
    with django_capture_on_commit_callbacks(execute=True):
        backlog.sweep()
    assert names(OPENED, closed).count("dispute_opened") == 1
    dispute = announced[-1][1]["dispute"]
    assert (dispute.status, dispute.payment) == ("won", Payment.objects.get())


def test_failing_receiver_changes_nothing(ada, names):
    def fail(**_):
        raise RuntimeError

    signals.payment_succeeded.connect(fail)
    try:
        assert names(payload("invoice_paid_first")) == ["payment_succeeded"]
    finally:
        signals.payment_succeeded.disconnect(fail)
    assert StripeEvent.objects.get().status == "processed"


def test_guest_and_sale_are_announced_too(db, announced, names):
    sale = payload("checkout_session_completed_payment_guest")
    failed = payload("checkout_session_async_payment_failed")
    assert sorted(names(sale, sale, failed, changed(failed))) == ["payment_failed", "payment_succeeded"]
    assert [values["attempt"] for name, values in announced if name == "payment_failed"] == [0]


def test_first_payment_starts_an_incomplete_subscription(ada, announced, names):
    events = [subscription(status="incomplete"), payload("invoice_paid_first")]
    for order in permutations(events):
        with transaction.atomic():
            assert sorted(names(*order)) == ["payment_succeeded", "subscription_started"]
            transaction.set_rollback(True)
        announced.clear()


def test_post_all_is_enough_without_receivers(ada):
    assert set(post_all(story("new"))) == {200}
