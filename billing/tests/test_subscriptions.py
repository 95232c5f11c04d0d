"""The state of a subscription, even if events arrive late, twice, or out of order.

``subscription(status="active", created=CREATED + 1)`` is an event that Stripe created at that time, and ``post()``
signs and posts it. Stripe doesn't guarantee the order of its events: https://docs.stripe.com/webhooks#event-ordering
"""

import time
from datetime import UTC, datetime
from itertools import permutations

import pytest

from billing.models import Customer, Subscription
from billing.signals import subscription_changed
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all

CREATED = 1793620800  # November 2, 2026, when the subscription begins


@pytest.fixture
def status_changes():
    """Provide the list of the (old, new) statuses that the signal ``subscription_changed`` has reported so far."""
    statuses = []

    def record(subscription, was, **_):
        statuses.append((was, subscription.status))

    subscription_changed.connect(record)
    yield statuses
    subscription_changed.disconnect(record)


def subscription(**values):
    """Return an event about the subscription in which these fields have other values."""
    return changed(payload("customer_subscription_created"), "customer.subscription.updated", **values)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_subscription_is_stored_from_its_event(ada, generation):
    post(payload("customer_subscription_updated_cancel_scheduled", generation))
    row = Subscription.objects.get()
    assert row.status == "active"
    assert row.plan_name == "Pro"
    assert Customer.objects.get().user_id == 7
    assert row.display_amount == "$29.00"
    assert row.interval == "month"
    assert row.quantity == 1
    assert row.current_period_end == row.cancel_at == datetime.fromtimestamp(1796212800, UTC)


def test_newest_event_wins_in_any_order(ada):
    events = [
        subscription(status="active", created=CREATED + 1),
        subscription(status="past_due", created=CREATED + 2),
        subscription(status="active", created=CREATED + 3, cancel_at=CREATED + 999_999),
    ]
    for order in permutations([payload("customer_subscription_created"), *events]):
        Subscription.objects.all().delete()
        post_all([changed(event, created=event["created"]) for event in order])
        row = Subscription.objects.get()
        assert (row.status, row.cancel_at) == ("active", datetime.fromtimestamp(CREATED + 999_999, UTC))


@pytest.mark.parametrize("final", ["canceled", "incomplete_expired"])
def test_ended_subscription_stays_ended(ada, final, queued_emails):
    post(changed(payload("customer_subscription_deleted"), status=final))
    late = CREATED + 90_000_000  # almost three years later
    post_all([subscription(status="active", created=late), subscription(status="past_due", created=late + 1)])
    assert Subscription.objects.get().status == final


def test_late_deletion_event_ends_the_subscription(ada):
    post_all([subscription(status="active", created=1_800_000_000), payload("customer_subscription_deleted")])
    assert Subscription.objects.get().status == "canceled"


@pytest.mark.parametrize("first", ["checkout_session_completed_subscription", "invoice_paid_first"])
def test_first_payment_activates_the_subscription_in_any_order(ada, first):
    created = payload("customer_subscription_created")
    for order in ([payload(first), created], [created, payload(first)]):
        Subscription.objects.all().delete()
        post_all([changed(event, created=event["created"]) for event in order])
        assert Subscription.objects.get().status == "active"


def test_unknown_status_is_kept_without_access(ada):
    post(subscription(status="dreaming"))
    row = Subscription.objects.get()
    assert (row.status, row.gives_access) == ("dreaming", False)


def test_end_sends_one_email(ada, queued_emails):
    ended = payload("customer_subscription_deleted")
    post_all([ended, payload("customer_subscription_deleted", "old"), changed(ended)])
    [email] = queued_emails().values()
    assert (email.kind, email.idempotency_key) == ("subscription_ended", "ended:sub_1SPb7zKq4RtYw2Vd")
    assert (
        "Your subscription to Pro ended on Dec. 16, 2026. We couldn't collect the last payment." in email.message.text
    )


def test_incomplete_subscription_ends_silently(ada, queued_emails):
    post(changed(payload("customer_subscription_deleted"), status="incomplete_expired"))
    assert queued_emails() == {}


def test_status_change_sends_the_signal(ada, status_changes, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        post_all([subscription(status="active"), subscription(status="active", created=CREATED + 1)])
        post(payload("customer_subscription_deleted"))
    assert status_changes == [("", "active"), ("active", "canceled")]


def test_first_payment_sends_the_signal(ada, status_changes, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        post_all([payload("customer_subscription_created"), payload("invoice_paid_first")])
    assert status_changes == [("", "incomplete"), ("incomplete", "active")]


def test_waiting_email_is_sent_once_an_address_is_known(db, queued_emails, django_capture_on_commit_callbacks):
    post(changed(payload("customer_subscription_trial_will_end"), trial_end=int(time.time()) + 999_999))
    assert queued_emails() == {}
    with django_capture_on_commit_callbacks(execute=True):
        post(payload("invoice_paid_first"))
    assert sorted(email.kind for email in queued_emails().values()) == ["receipt", "trial_ending"]


def test_deleted_customer_keeps_its_history(ada, queued_emails):
    post(payload("invoice_paid_first"))
    gone = {"id": "cus_TLm3kQ8sVb2XyZ", "object": "customer", "email": "ada@example.com"}
    post({**payload("invoice_paid_first"), "id": "evt_gone", "type": "customer.deleted", "data": {"object": gone}})
    post(payload("customer_subscription_deleted"))
    assert sorted(email.kind for email in queued_emails().values()) == ["receipt", "subscription_ended"]
    assert ada.stripe_customers.get().deleted_at is not None
