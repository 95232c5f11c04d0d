"""Reconciliation with Stripe: the true state of subscriptions, and missing addresses."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from billing.models import StripeEvent, Subscription
from billing.payloads import SubscriptionState
from billing.services import reconciliation
from billing.signals import subscription_changed
from billing.tasks import handle_due_events
from billing.tests.support.parallel import run_in_parallel
from billing.tests.support.stripe_events import changed, payload, post

SUBSCRIPTION, CUSTOMER = "sub_1SPb7zKq4RtYw2Vd", "cus_TLm3kQ8sVb2XyZ"


def subscription_event(generation="new", **values):
    return changed(payload("customer_subscription_created", generation), **values)


def set_state_at_stripe(stripe_api, generation="new", **values):
    stripe_api.subscriptions[SUBSCRIPTION] = {**subscription_event(generation)["data"]["object"], **values}


def is_due(row):
    return row.refresh_at is not None and row.refresh_at <= datetime.now(UTC)


@pytest.fixture
def due_subscription(ada, stripe_api):
    """A subscription that an event reported and that is due to be fetched from Stripe."""
    set_state_at_stripe(stripe_api, status="past_due")
    post(subscription_event(status="active"))
    return Subscription.objects.get()


@pytest.mark.parametrize("generation", ["old", "new"])
def test_state_at_stripe_wins(ada, stripe_api, generation):
    set_state_at_stripe(stripe_api, generation, status="past_due")
    post(subscription_event(status="active"))
    handle_due_events()
    row = Subscription.objects.get()
    assert row.status == "past_due"
    assert not is_due(row)
    assert row.current_period_end is not None


def test_subscription_is_fetched_once(due_subscription, stripe_api):
    handle_due_events()
    handle_due_events()
    assert len(stripe_api.requests) == 1


def test_every_event_triggers_a_fetch(due_subscription, stripe_api):
    handle_due_events()
    post(subscription_event(status="trialing", created=1700000000))
    handle_due_events()
    assert (Subscription.objects.get().status, len(stripe_api.requests)) == ("past_due", 2)


def test_nothing_is_fetched_without_a_key(ada, settings, stripe_api):
    settings.STRIPE_SECRET_KEY = ""
    post(subscription_event())
    handle_due_events()
    assert Subscription.objects.get().refresh_at is None
    assert stripe_api.requests == []


def test_event_during_a_fetch_is_not_lost(due_subscription, stripe_api, monkeypatch):
    """An event of the same second arrives with newer data while the response is on its way."""
    read = SubscriptionState.read

    def interrupted(data):
        monkeypatch.setattr(SubscriptionState, "read", read)
        post(subscription_event(status="unpaid", created=int(datetime.now(UTC).timestamp())))
        return read(data)

    monkeypatch.setattr(SubscriptionState, "read", interrupted)
    reconciliation.refresh_subscriptions()
    assert Subscription.objects.get().refresh_at is not None


def test_ended_subscription_stays_ended(due_subscription, stripe_api):
    post(changed(subscription_event(status="canceled"), "customer.subscription.deleted"))
    Subscription.objects.update(refresh_at=due_subscription.refresh_at)
    handle_due_events()
    row = Subscription.objects.get()
    assert (row.status, row.refresh_at) == ("canceled", None)


@pytest.mark.parametrize("fault", ["500", "timeout-before", "429", "401"])
def test_failed_fetch_is_retried_ever_later(due_subscription, stripe_api, fault, without_jitter):
    waits = []
    for _ in range(3):
        stripe_api.faults = [fault]
        reconciliation.refresh_subscriptions()
        row = Subscription.objects.get()
        assert row.refresh_at
        waits.append(row.refresh_at - datetime.now(UTC))
        Subscription.objects.update(refresh_at=due_subscription.refresh_at)
    assert (row.status, row.refresh_failures) == ("active", 3)
    assert timedelta(0) < waits[0] < waits[1] < waits[2]
    reconciliation.refresh_subscriptions()
    row = Subscription.objects.get()
    assert (row.status, row.refresh_failures) == ("past_due", 0)


def test_first_error_ends_the_run(due_subscription, stripe_api):
    for number in range(5):
        Subscription.objects.create(pk=f"sub_{number}", status="active", refresh_at=due_subscription.refresh_at)
    stripe_api.faults = ["500"] * 9
    reconciliation.refresh_subscriptions()
    assert len(stripe_api.requests) == 1


def test_subscription_unknown_to_stripe_is_left_alone(due_subscription, stripe_api):
    other = Subscription.objects.create(pk="sub_of_live_mode", status="active", refresh_at=due_subscription.refresh_at)
    handle_due_events()
    handle_due_events()
    other.refresh_from_db()
    assert other.status == "active"
    assert other.refresh_at is None
    assert Subscription.objects.get(pk=due_subscription.pk).status == "past_due"
    assert len(stripe_api.requests) == 2


def test_run_is_bounded(due_subscription, stripe_api):
    Subscription.objects.bulk_create(
        Subscription(pk=f"sub_{number}", status="active", refresh_at=due_subscription.refresh_at)
        for number in range(30)
    )
    reconciliation.refresh_subscriptions()
    assert len(stripe_api.requests) == reconciliation.QUESTIONS_PER_ROUND


def test_rows_of_a_dead_worker_are_due_again(due_subscription, stripe_api):
    assert reconciliation.claim(due_subscription)
    assert reconciliation.refresh_subscriptions() == 0
    Subscription.objects.update(refresh_at=F("refresh_at") - reconciliation.LEASE)
    assert reconciliation.refresh_subscriptions() == 1


def test_parallel_workers_fetch_once(shared_database, stripe_api):
    Subscription.objects.create(pk=SUBSCRIPTION, status="active", refresh_at=datetime.now(UTC) - timedelta(seconds=1))
    set_state_at_stripe(stripe_api, status="past_due")
    stripe_api.latency = 0.1
    done = run_in_parallel(*[reconciliation.refresh_subscriptions] * 4)
    assert (sum(done), len(stripe_api.requests)) == (1, 1)


def test_change_sends_the_signal(due_subscription, stripe_api, django_capture_on_commit_callbacks):
    previous_statuses = []
    subscription_changed.connect(receiver := lambda subscription, was, **_: previous_statuses.append(was), weak=False)
    with django_capture_on_commit_callbacks(execute=True):
        reconciliation.refresh_subscriptions()
    subscription_changed.disconnect(receiver)
    assert previous_statuses == ["active"]


# Addresses


@pytest.fixture
def waiting_event(db, stripe_api):
    """A receipt for a customer whose address no event contained."""
    post(changed(payload("invoice_paid_first"), customer_email=None, parent=None))
    StripeEvent.objects.update(due_at=F("received_at"))
    return StripeEvent.objects.get()


def set_customer_at_stripe(stripe_api, **values):
    stripe_api.customers[CUSTOMER] = {"id": CUSTOMER, "object": "customer", "metadata": {}, **values}


def test_missing_address_is_fetched(waiting_event, stripe_api, queued_emails):
    set_customer_at_stripe(stripe_api, email="guest@example.net", name="G. Uest")
    assert not queued_emails()
    handle_due_events()
    assert [email.recipients for email in queued_emails().values()] == ["guest@example.net"]
    assert StripeEvent.objects.get().status == "processed"


def test_customer_with_our_metadata_is_matched(waiting_event, ada, stripe_api, queued_emails):
    set_customer_at_stripe(
        stripe_api, email="old@example.net", metadata={"user_id": "7", "installation": "app.example.com"}
    )
    handle_due_events()
    assert [email.recipients for email in queued_emails().values()] == ["ada@own.example"]


@pytest.mark.parametrize("values", [{"email": None}, {"email": None, "deleted": True}])
def test_customer_without_address_is_fetched_again_later(waiting_event, stripe_api, queued_emails, values):
    set_customer_at_stripe(stripe_api, **values)
    handle_due_events()
    handle_due_events()
    event = StripeEvent.objects.get()
    assert event.status == "received"
    assert event.waits_for == CUSTOMER
    assert len(stripe_api.requests) == 1
    assert queued_emails() == {}


@pytest.mark.parametrize("fault", ["500", "401", "timeout-before"])
def test_email_is_sent_once_stripe_responds(waiting_event, stripe_api, queued_emails, fault):
    set_customer_at_stripe(stripe_api, email="guest@example.net")
    stripe_api.faults = [fault]
    handle_due_events()
    StripeEvent.objects.update(due_at=F("received_at"))
    handle_due_events()
    assert len(queued_emails()) == 1


def test_customer_is_not_fetched_without_waiting_email(db, stripe_api):
    post(payload("invoice_paid_first"))
    handle_due_events()
    assert stripe_api.calls("/v1/customers") == []
    assert all("customers" not in request.path for request in stripe_api.requests)
