"""A subscription that ends unpaid is reported once: in any order of events, and whatever Stripe is set to do."""

import time
from itertools import permutations

import pytest
from django.db import transaction

from billing.models import Subscription
from billing.tasks import handle_due_events
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all

NOW = int(time.time())
DAY = 86400
SUBSCRIPTION, INVOICE = "sub_1SPb7zKq4RtYw2Vd", "in_1SaT00Kq4RtYw2VdRenewal02"
ENDED, UNPAID = f"ended:{SUBSCRIPTION}", f"unpaid:{SUBSCRIPTION}:{INVOICE}"
FINAL = {"attempt_count": 4, "next_payment_attempt": None}


def failed(generation, at, **values):
    event = payload("invoice_payment_failed_renewal", generation)
    return changed(event, **{"next_payment_attempt": NOW + 3 * DAY, "created": at, **values})


def subscription(generation, status, at, **values):
    event = payload("customer_subscription_created", generation)
    values = {"status": status, "latest_invoice": INVOICE, "created": at, **values}
    return changed(event, "customer.subscription.updated", **values)


def ended(generation, at, reason="payment_failed"):
    values = {"status": "canceled", "ended_at": at, "latest_invoice": INVOICE, "created": at}
    event = payload("customer_subscription_deleted", generation)
    return changed(event, cancellation_details={"comment": None, "feedback": None, "reason": reason}, **values)


def delivered(queued_emails):
    """Return the keys of the emails that are still going out, if none has been sent yet."""
    return sorted(key for key, email in queued_emails().items() if email.status == "queued")


def in_every_order(events):
    for order in permutations(events):
        with transaction.atomic():
            post_all([changed(event, created=event["created"]) for event in order])
            yield [(event["type"], event["data"]["object"].get("attempt_count")) for event in order]
            transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def known_customer(ada):
    post(changed(payload("invoice_paid_first"), id="in_earlier", amount_paid=0, amount_due=0))


@pytest.mark.parametrize("generation", GENERATIONS)
def test_end_by_dunning_is_one_email(queued_emails, generation):
    events = [
        subscription(generation, "past_due", NOW - 10 * DAY),
        failed(generation, NOW - 60, **FINAL),
        ended(generation, NOW - 60),
    ]
    for order in in_every_order(events):
        assert delivered(queued_emails) == [ENDED], order
        assert "We couldn't collect the last payment" in queued_emails()[ENDED].message.text


@pytest.mark.parametrize("generation", GENERATIONS)
def test_suspension_is_one_email(queued_emails, generation):
    events = [
        subscription(generation, "past_due", NOW - 10 * DAY),
        failed(generation, NOW - 60, **FINAL),
        subscription(generation, "unpaid", NOW - 60),
    ]
    for order in in_every_order(events):
        assert delivered(queued_emails) == [UNPAID], order
        text = queued_emails()[UNPAID].message.text
        assert "Your subscription is on hold until you pay." in text
        assert queued_emails()[UNPAID].kind == "subscription_unpaid"


@pytest.mark.parametrize("is_sent", [False, True])
def test_end_after_a_suspension_is_not_a_second_email(queued_emails, is_sent):
    post_all([failed("new", NOW - 60, **FINAL), subscription("new", "unpaid", NOW - 60)])
    if is_sent:
        queued_emails()[UNPAID].__class__.objects.filter(idempotency_key=UNPAID).update(status="sent", due_at=None)
    post_all([ended("new", NOW), ended("new", NOW)])
    # If the first email is still queued, the newer fact replaces it.
    assert delivered(queued_emails) == ([] if is_sent else [ENDED])


def test_suspension_that_arrives_after_the_end_is_old_news(queued_emails):
    post_all([ended("new", NOW), subscription("new", "unpaid", NOW - 60), failed("new", NOW - 60, **FINAL)])
    assert delivered(queued_emails) == [ENDED]


def test_suspension_is_reported_again_only_after_a_payment(queued_emails):
    post_all([subscription("new", "unpaid", NOW - 50 + number) for number in range(3)])
    post(subscription("new", "unpaid", NOW - 40, latest_invoice="in_draft_of_the_next_month"))
    assert delivered(queued_emails) == [UNPAID]
    post(subscription("new", "active", NOW - 30))
    assert delivered(queued_emails) == []  # it was still queued, and isn't true any more
    post(subscription("new", "unpaid", NOW - 20, latest_invoice="in_next"))
    assert delivered(queued_emails) == [f"unpaid:{SUBSCRIPTION}:in_next"]
    post_all([subscription("new", "active", NOW - 15), ended("new", NOW - 10, reason="cancellation_requested")])
    assert delivered(queued_emails) == [ENDED]


def test_payment_withdraws_a_queued_dunning_email(queued_emails):
    post_all([failed("new", NOW - 60), failed("new", NOW, attempt_count=2)])
    assert delivered(queued_emails) == [f"dunning:{INVOICE}:2"]  # the first one is outdated
    post(changed(failed("new", NOW), "invoice.paid", status="paid", amount_paid=2900))
    assert delivered(queued_emails) == [f"receipt:{INVOICE}"]


@pytest.mark.parametrize(("status", "key"), [("unpaid", UNPAID), ("canceled", ENDED)])
def test_lost_event_is_found_and_reported(ada, stripe_api, queued_emails, status, key):
    event = subscription("new", "past_due", NOW - DAY)
    post(event)
    answer = event["data"]["object"] | {"status": status, "ended_at": NOW if status == "canceled" else None}
    stripe_api.subscriptions[SUBSCRIPTION] = answer
    handle_due_events()
    assert delivered(queued_emails) == [key]
    post(ended("new", NOW) if status == "canceled" else subscription("new", status, NOW))
    assert delivered(queued_emails) == [key]


def test_old_end_is_found_without_an_email(ada, stripe_api, queued_emails):
    event = subscription("new", "past_due", NOW - DAY)
    post(event)
    stripe_api.subscriptions[SUBSCRIPTION] = event["data"]["object"] | {
        "status": "canceled",
        "ended_at": NOW - 90 * DAY,
    }
    handle_due_events()
    assert Subscription.objects.get().status == "canceled"
    assert delivered(queued_emails) == []


def recovery(generation):
    """Return the events of a payment that failed twice and then arrived."""
    return [
        subscription(generation, "past_due", NOW - 5 * DAY),
        failed(generation, NOW - 5 * DAY),
        failed(generation, NOW - 2 * DAY, attempt_count=2),
        changed(failed(generation, NOW - 60), "invoice.paid", status="paid", amount_paid=2900, created=NOW - 60),
        subscription(generation, "active", NOW - 60),
    ]


def check_recovery(queued_emails, generation, orders):
    events = recovery(generation)
    for order in orders:
        with transaction.atomic():
            post_all([changed(events[number], created=events[number]["created"]) for number in order])
            assert delivered(queued_emails) == [f"receipt:{INVOICE}"], order
            row = Subscription.objects.get(pk=SUBSCRIPTION)
            assert (row.status, row.open_payment_id, row.unpaid_since) == ("active", None, None), order
            transaction.set_rollback(True)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_recovered_payment_leaves_only_the_receipt(queued_emails, generation):
    check_recovery(queued_emails, generation, [*permutations(range(5))][::10])


@pytest.mark.exhaustive
@pytest.mark.parametrize("generation", GENERATIONS)
def test_recovered_payment_leaves_only_the_receipt_in_every_order(queued_emails, generation):
    check_recovery(queued_emails, generation, permutations(range(5)))
