"""The state of a subscription, whatever comes late, twice or out of turn."""

from datetime import UTC, datetime
from itertools import permutations

import pytest

from billing.models import Customer, Subscription
from billing.signals import subscription_changed
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all

CREATED = 1793620800


@pytest.fixture
def told():
    """Every status that the signal tells of."""
    statuses = []

    def note(subscription, was, **_):
        statuses.append((was, subscription.status))

    subscription_changed.connect(note)
    yield statuses
    subscription_changed.disconnect(note)


def subscription(**values):
    return changed(payload("customer_subscription_created"), "customer.subscription.updated", **values)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_subscription_is_what_its_event_says(ada, generation):
    post(payload("customer_subscription_updated_cancel_scheduled", generation))
    row = Subscription.objects.get()
    assert (row.status, row.plan_name, Customer.objects.get().user_id) == ("active", "Pro", 7)
    assert (row.display_amount, row.interval, row.quantity) == ("29.00 USD", "month", 1)
    assert row.current_period_end == row.cancel_at == datetime.fromtimestamp(1796212800, UTC)


def test_the_newest_event_holds_in_any_order(ada):
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
def test_what_has_ended_stays_so(ada, final, mails):
    post(changed(payload("customer_subscription_deleted"), status=final))
    late = CREATED + 90_000_000
    post_all([subscription(status="active", created=late), subscription(status="past_due", created=late + 1)])
    assert Subscription.objects.get().status == final


def test_an_end_that_is_told_late_is_an_end(ada):
    post_all([subscription(status="active", created=1_800_000_000), payload("customer_subscription_deleted")])
    assert Subscription.objects.get().status == "canceled"


@pytest.mark.parametrize("first", ["checkout_session_completed_subscription", "invoice_paid_first"])
def test_a_first_payment_makes_it_active_before_and_after_stripe_says_so(ada, first):
    created = payload("customer_subscription_created")
    for order in ([payload(first), created], [created, payload(first)]):
        Subscription.objects.all().delete()
        post_all([changed(event, created=event["created"]) for event in order])
        assert Subscription.objects.get().status == "active"


def test_an_unknown_status_is_kept_and_gives_no_access(ada):
    post(subscription(status="dreaming"))
    row = Subscription.objects.get()
    assert (row.status, row.gives_access) == ("dreaming", False)


def test_the_end_is_told_once(ada, mails):
    ended = payload("customer_subscription_deleted")
    post_all([ended, payload("customer_subscription_deleted", "old"), changed(ended)])
    [mail] = mails().values()
    assert (mail.kind, mail.idempotency_key) == ("subscription_ended", "ended:sub_1SPb7zKq4RtYw2Vd")
    assert "Your subscription to Pro ended on Dec. 16, 2026. We couldn't collect the last payment." in mail.message.text


def test_the_end_of_a_trial_is_announced_once(ada, mails):
    trial = payload("customer_subscription_trial_will_end")
    post_all([trial, payload("customer_subscription_trial_will_end", "old"), changed(trial)])
    [mail] = mails().values()
    assert (mail.kind, mail.idempotency_key) == ("trial_ending", "trial:sub_1SPb7zKq4RtYw2Vd:1794830400")
    assert "Nov. 16, 2026" in mail.subject
    assert "We'll charge 29.00 USD when the trial ends" in mail.message.text


def test_a_first_payment_that_was_never_made_ends_without_a_word(ada, mails):
    post(changed(payload("customer_subscription_deleted"), status="incomplete_expired"))
    assert mails() == {}


def test_the_rest_of_the_project_is_told_of_changes_of_the_status(ada, told, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        post_all([subscription(status="active"), subscription(status="active", created=CREATED + 1)])
        post(payload("customer_subscription_deleted"))
    assert told == [("", "active"), ("active", "canceled")]


def test_so_they_are_of_the_first_payment(ada, told, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        post_all([payload("customer_subscription_created"), payload("invoice_paid_first")])
    assert told == [("", "incomplete"), ("incomplete", "active")]


def test_mail_about_a_customer_without_an_address_goes_out_when_one_is_known(
    db, mails, django_capture_on_commit_callbacks
):
    post(payload("customer_subscription_trial_will_end"))
    assert mails() == {}
    with django_capture_on_commit_callbacks(execute=True):
        post(payload("invoice_paid_first"))
    assert sorted(mail.kind for mail in mails().values()) == ["receipt", "trial_ending"]


def test_a_deleted_customer_keeps_its_history(ada, mails):
    post(payload("invoice_paid_first"))
    gone = {"id": "cus_TLm3kQ8sVb2XyZ", "object": "customer", "email": "ada@example.com"}
    post({**payload("invoice_paid_first"), "id": "evt_gone", "type": "customer.deleted", "data": {"object": gone}})
    post(payload("customer_subscription_deleted"))
    assert sorted(mail.kind for mail in mails().values()) == ["receipt", "subscription_ended"]
    assert ada.stripe_customers.get().deleted_at is not None
