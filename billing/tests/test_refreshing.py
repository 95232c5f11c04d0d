"""What events leave open is asked of Stripe: the true state of subscriptions, and addresses."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from billing.models import StripeEvent, Subscription
from billing.payloads import SubscriptionState
from billing.services import reconciliation
from billing.signals import subscription_changed
from billing.tasks import handle_due_events
from billing.tests.support.stripe_events import changed, payload, post
from billing.tests.test_double_clicks import at_once, shared_database

__all__ = ["shared_database"]
SUBSCRIPTION, CUSTOMER = "sub_1SPb7zKq4RtYw2Vd", "cus_TLm3kQ8sVb2XyZ"


def told(generation="new", **values):
    return changed(payload("customer_subscription_created", generation), **values)


def state_at_stripe(stripe, generation="new", **values):
    stripe.subscriptions[SUBSCRIPTION] = {**told(generation)["data"]["object"], **values}


@pytest.fixture
def due(ada, stripe):
    """A subscription of which an event told; Stripe is to be asked."""
    state_at_stripe(stripe, status="past_due")
    post(told(status="active"))
    return Subscription.objects.get()


@pytest.mark.parametrize("generation", ["old", "new"])
def test_what_stripe_says_holds(ada, stripe, generation):
    state_at_stripe(stripe, generation, status="past_due")
    post(told(status="active"))
    handle_due_events()
    row = Subscription.objects.get()
    assert (row.status, row.refresh_at, row.current_period_end is not None) == ("past_due", None, True)


def test_it_is_asked_once(due, stripe):
    handle_due_events()
    handle_due_events()
    assert len(stripe.asked) == 1


def test_every_event_lets_it_be_asked_even_one_that_is_late(due, stripe):
    handle_due_events()
    post(told(status="trialing", created=1700000000))
    handle_due_events()
    assert (Subscription.objects.get().status, len(stripe.asked)) == ("past_due", 2)


def test_without_a_key_nobody_is_asked(ada, settings, stripe):
    settings.STRIPE_SECRET_KEY = ""
    post(told())
    handle_due_events()
    assert Subscription.objects.get().refresh_at is None
    assert stripe.asked == []


def test_an_event_that_comes_while_stripe_is_asked_is_not_forgotten(due, stripe, monkeypatch):
    """The answer is on its way when an event of the same second says something newer."""
    read = SubscriptionState.read

    def interrupted(data):
        monkeypatch.setattr(SubscriptionState, "read", read)
        post(told(status="unpaid", created=int(datetime.now(UTC).timestamp())))
        return read(data)

    monkeypatch.setattr(SubscriptionState, "read", interrupted)
    reconciliation.refresh_subscriptions()
    assert Subscription.objects.get().refresh_at is not None


def test_what_ended_stays_ended(due, stripe):
    post(changed(told(status="canceled"), "customer.subscription.deleted"))
    Subscription.objects.update(refresh_at=due.refresh_at)
    handle_due_events()
    row = Subscription.objects.get()
    assert (row.status, row.refresh_at) == ("canceled", None)


@pytest.mark.parametrize("fault", ["500", "timeout-before", "429", "401"])
def test_an_error_is_tried_again_later_and_ever_later(due, stripe, fault, monkeypatch):
    monkeypatch.setattr("common.retry.random.uniform", lambda shortest, longest: longest)
    waits = []
    for _ in range(3):
        stripe.faults = [fault]
        reconciliation.refresh_subscriptions()
        row = Subscription.objects.get()
        assert row.refresh_at
        waits.append(row.refresh_at - datetime.now(UTC))
        Subscription.objects.update(refresh_at=due.refresh_at)
    assert (row.status, row.refresh_failures) == ("active", 3)
    assert timedelta(0) < waits[0] < waits[1] < waits[2]
    reconciliation.refresh_subscriptions()
    row = Subscription.objects.get()
    assert (row.status, row.refresh_failures) == ("past_due", 0)


def test_one_error_ends_the_round(due, stripe):
    for number in range(5):
        Subscription.objects.create(pk=f"sub_{number}", status="active", refresh_at=due.refresh_at)
    stripe.faults = ["500"] * 9
    reconciliation.refresh_subscriptions()
    assert len(stripe.asked) == 1


def test_one_that_stripe_does_not_know_is_left_alone(due, stripe):
    other = Subscription.objects.create(pk="sub_of_live_mode", status="active", refresh_at=due.refresh_at)
    handle_due_events()
    handle_due_events()
    other.refresh_from_db()
    assert (other.status, other.refresh_at, Subscription.objects.get(pk=due.pk).status) == ("active", None, "past_due")
    assert len(stripe.asked) == 2


def test_a_round_is_bounded(due, stripe):
    Subscription.objects.bulk_create(
        Subscription(pk=f"sub_{number}", status="active", refresh_at=due.refresh_at) for number in range(30)
    )
    reconciliation.refresh_subscriptions()
    assert len(stripe.asked) == reconciliation.QUESTIONS_PER_ROUND


def test_a_dead_workers_rows_are_due_again(due, stripe):
    assert reconciliation.claim(due)
    assert reconciliation.refresh_subscriptions() == 0
    Subscription.objects.update(refresh_at=F("refresh_at") - reconciliation.LEASE)
    assert reconciliation.refresh_subscriptions() == 1


def test_two_workers_do_not_ask_twice(shared_database, stripe):
    Subscription.objects.create(pk=SUBSCRIPTION, status="active", refresh_at=datetime.now(UTC) - timedelta(seconds=1))
    state_at_stripe(stripe, status="past_due")
    stripe.latency = 0.1
    done = at_once(*[reconciliation.refresh_subscriptions] * 4)
    assert (sum(done), len(stripe.asked)) == (1, 1)


def test_the_change_is_announced(due, stripe, django_capture_on_commit_callbacks):
    heard = []
    subscription_changed.connect(receiver := lambda subscription, was, **_: heard.append(was), weak=False)
    with django_capture_on_commit_callbacks(execute=True):
        reconciliation.refresh_subscriptions()
    subscription_changed.disconnect(receiver)
    assert heard == ["active"]


# Addresses


@pytest.fixture
def waiting(db, stripe):
    """A receipt of somebody whose address no event has told."""
    post(changed(payload("invoice_paid_first"), customer_email=None, parent=None))
    StripeEvent.objects.update(due_at=F("received_at"))
    return StripeEvent.objects.get()


def customer_at_stripe(stripe, **values):
    stripe.customers[CUSTOMER] = {"id": CUSTOMER, "object": "customer", "metadata": {}, **values}


def test_a_missing_address_is_asked_for(waiting, stripe, mails):
    customer_at_stripe(stripe, email="guest@example.net", name="G. Uest")
    assert not mails()
    handle_due_events()
    assert [mail.recipients for mail in mails().values()] == ["guest@example.net"]
    assert StripeEvent.objects.get().status == "processed"


def test_a_customer_whom_we_made_is_known_by_the_mark(waiting, ada, stripe, mails):
    customer_at_stripe(stripe, email="old@example.net", metadata={"user_id": "7"})
    handle_due_events()
    assert [mail.recipients for mail in mails().values()] == ["ada@own.example"]


@pytest.mark.parametrize("values", [{"email": None}, {"email": None, "deleted": True}])
def test_somebody_without_an_address_is_asked_for_again_later(waiting, stripe, mails, values):
    customer_at_stripe(stripe, **values)
    handle_due_events()
    handle_due_events()
    event = StripeEvent.objects.get()
    assert (event.status, event.waits_for, len(stripe.asked), mails()) == ("received", CUSTOMER, 1, {})


@pytest.mark.parametrize("fault", ["500", "401", "timeout-before"])
def test_the_mail_goes_out_once_stripe_answers(waiting, stripe, mails, fault):
    customer_at_stripe(stripe, email="guest@example.net")
    stripe.faults = [fault]
    handle_due_events()
    StripeEvent.objects.update(due_at=F("received_at"))
    handle_due_events()
    assert len(mails()) == 1


def test_nobody_is_asked_while_no_mail_waits(db, stripe):
    post(payload("invoice_paid_first"))
    handle_due_events()
    assert stripe.calls("/v1/customers") == []
    assert all("customers" not in asked.path for asked in stripe.asked)
