"""Deleting an account ends its checkout pages, its customer at Stripe, and whatever is bought there afterward.

``delete_ada()`` deletes the account as its owner does, ``clean_up()`` is what beat runs every 15 seconds, and
``stripe_api`` holds the sessions, customers, and subscriptions at Stripe.
"""

import logging
from datetime import timedelta
from threading import Event

import pytest
from django.db.models import F

from accounts.models import User
from accounts.services.deletion import delete_account
from billing.models import Checkout, CleanupRequest, Customer, Subscription
from billing.services.cleanup import clean_up
from billing.tasks import handle_due_events
from billing.tests.support.api_client import BillingClient
from billing.tests.support.parallel import run_in_parallel
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post
from common.db import database_now

PASSWORD = "correct horse battery"
DOWN = ["503"] * 50


@pytest.fixture
def delete_ada(ada):
    return lambda: delete_account(user=User.objects.get(pk=ada.pk), password=PASSWORD)


def pass_time(duration: timedelta) -> None:
    CleanupRequest.objects.exclude(due_at=None).update(due_at=F("due_at") - duration)


def clean_up_all() -> None:
    """Run the task as often as it takes, with the time in between."""
    for _ in range(5):
        pass_time(timedelta(minutes=2))
        clean_up()


def purchase_events(session, generation="new"):
    """Return what Stripe sends after somebody paid for the session: in any order, and all of it active."""
    done = payload("checkout_session_completed_subscription", generation)
    names = ("id", "customer", "metadata", "subscription", "payment_status")
    subscription = changed(
        payload("customer_subscription_created", generation),
        id=session["subscription"],
        customer=session["customer"],
        metadata=session["metadata"],
        status="active",
    )
    return [changed(done, **{name: session[name] for name in names}), subscription]


def is_left_at_stripe(stripe_api) -> list[str]:
    """Return the ids of what still exists or is open."""
    sessions = [row["id"] for row in stripe_api.sessions.values() if row["status"] == "open"]
    customers = [pk for pk, row in stripe_api.customers.items() if not row.get("deleted")]
    return sessions + customers + [pk for pk, row in stripe_api.subscriptions.items() if row["status"] != "canceled"]


def test_deletion_closes_the_page_and_deletes_the_customer(ada_api, stripe_api, delete_ada):
    ada_api.checkout()
    delete_ada()
    assert clean_up() == 2
    assert is_left_at_stripe(stripe_api) == []
    assert "ada@own.example" not in str(stripe_api.customers)
    assert not CleanupRequest.objects.exclude(due_at=None, email="").exists()
    assert Customer.objects.get().deleted_at is not None
    assert clean_up() == 0


def test_user_without_purchases_leaves_nothing_to_do(stripe_api, delete_ada):
    delete_ada()
    assert (clean_up(), CleanupRequest.objects.count(), stripe_api.requests) == (0, 0, [])


def test_user_deleted_by_the_admin_is_cleaned_up_too(ada, ada_api, stripe_api):
    ada_api.checkout()
    ada.delete()
    clean_up_all()
    assert is_left_at_stripe(stripe_api) == []


@pytest.mark.parametrize("fault", ["503", "500", "429", "401", "403", "timeout-after", "cut-after", "rubbish"])
def test_cleanup_outlasts_every_failure(ada_api, stripe_api, delete_ada, fault):
    ada_api.checkout()
    delete_ada()
    stripe_api.faults = [fault] * 50
    clean_up_all()
    assert CleanupRequest.objects.exclude(due_at=None).filter(failures__gt=0).exists()
    stripe_api.faults = []
    pass_time(timedelta(hours=2))
    clean_up_all()
    assert is_left_at_stripe(stripe_api) == []
    assert not CleanupRequest.objects.exclude(due_at=None).exists()


def test_wait_grows_up_to_an_hour(ada_api, stripe_api, delete_ada):
    ada_api.checkout()
    delete_ada()
    stripe_api.faults = ["500"] * 500
    for _ in range(24):
        pass_time(timedelta(hours=2))
        clean_up()
    longest = max(row.due_at - database_now() for row in CleanupRequest.objects.all() if row.due_at)
    assert timedelta(minutes=55) < longest <= timedelta(hours=1)


def test_without_a_key_the_requests_wait(ada_api, stripe_api, delete_ada, settings):
    ada_api.checkout()
    delete_ada()
    key, settings.STRIPE_SECRET_KEY = settings.STRIPE_SECRET_KEY, ""
    handle_due_events()
    assert is_left_at_stripe(stripe_api) != []
    settings.STRIPE_SECRET_KEY = key
    handle_due_events()
    assert is_left_at_stripe(stripe_api) == []


# Purchases that the deletion was too late for


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("order", [1, -1])
def test_subscription_of_an_erased_customer_is_canceled(
    ada_api, stripe_api, delete_ada, queued_emails, caplog, generation, order
):
    ada_api.checkout()
    [session_id] = stripe_api.sessions
    delete_ada()
    emails = set(queued_emails())
    session = stripe_api.complete(session_id)
    with caplog.at_level(logging.ERROR):
        assert {post(event).status_code for event in purchase_events(session, generation)[::order] * 2} == {200}
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert session["subscription"] in errors[0]
    assert "Refund" in errors[0]
    clean_up_all()
    assert is_left_at_stripe(stripe_api) == []
    assert f"/v1/subscriptions/{session['subscription']}" in [request.path for request in stripe_api.requests]
    assert set(queued_emails()) == emails
    assert not Subscription.objects.exclude(customer__user=None).exists()


def test_purchase_without_its_event_is_found_by_the_cleanup(ada_api, stripe_api, delete_ada, caplog):
    """The page was paid a moment before it would have been closed."""
    ada_api.checkout()
    [session_id] = stripe_api.sessions
    delete_ada()
    session = stripe_api.complete(session_id)
    clean_up_all()
    assert is_left_at_stripe(stripe_api) == []
    assert session["subscription"] in caplog.text


def test_cancellation_outlasts_an_outage(ada_api, stripe_api, delete_ada):
    ada_api.checkout()
    [session_id] = stripe_api.sessions
    delete_ada()
    clean_up_all()
    session = stripe_api.complete(session_id)
    for event in purchase_events(session):
        post(event)
    stripe_api.faults = list(DOWN)
    clean_up_all()
    stripe_api.faults = []
    pass_time(timedelta(hours=2))
    clean_up_all()
    assert is_left_at_stripe(stripe_api) == []


def test_unknown_customer_of_a_deleted_user_is_erased(ada_api, stripe_api, delete_ada, caplog):
    """The response with the customer's ID was lost, so no row led from the user to the customer."""
    ada_api.checkout()
    [session_id] = stripe_api.sessions
    Customer.objects.all().delete()
    delete_ada()
    CleanupRequest.objects.all().delete()
    for event in purchase_events(stripe_api.complete(session_id)):
        post(event)
    clean_up_all()
    assert is_left_at_stripe(stripe_api) == []
    [customer] = Customer.objects.all()
    assert (customer.is_erased, customer.email, customer.name) == (True, "", "")


def test_subscription_that_was_ending_is_no_alarm(ada, ada_api, stripe_api, delete_ada, caplog):
    """A person may delete the account once the subscription is to end. Deleting the customer ends it."""
    ada_api.checkout()
    [session_id] = stripe_api.sessions
    session = stripe_api.complete(session_id)
    for event in purchase_events(session):
        post(event)
    ending = changed(purchase_events(session)[1], "customer.subscription.updated", cancel_at=4000000000)
    ending["created"] += 10
    post(ending)
    delete_ada()
    post(changed(ending, created=ending["created"] + 10))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    clean_up_all()
    assert is_left_at_stripe(stripe_api) == []


# Deletion and checkout at the same moment


@pytest.mark.parametrize("fault", ["timeout-after", "cut-after", "500-stored", "rubbish"])
@pytest.mark.parametrize("lost", ["customer", "session"])
def test_page_with_a_lost_response_is_closed(ada_api, stripe_api, delete_ada, lost, fault):
    stripe_api.faults = ["ok"] * (lost == "session") + [fault] * 3
    assert ada_api.checkout().status_code == 503
    stripe_api.faults = []
    delete_ada()
    clean_up()
    clean_up_all()
    assert is_left_at_stripe(stripe_api) == []
    assert "ada@" not in str([*CleanupRequest.objects.values()])


@pytest.fixture
def committed_ada(shared_database):
    return User.objects.create_user("ada@own.example", PASSWORD, name="Ada")


@pytest.mark.parametrize("call", ["POST /v1/customers", "POST /v1/checkout/sessions"])
@pytest.mark.parametrize("is_down", [False, True])
def test_deletion_during_a_call_leaves_nothing(committed_ada, stripe_api, monkeypatch, call, is_down):
    """The account is deleted after Stripe performed the call and before the response arrives."""
    api = BillingClient(committed_ada)
    perform = stripe_api._perform
    is_deleted = Event()

    def perform_and_delete(request):
        result = perform(request)
        if f"{request.method} {request.path}" == call and not is_deleted.is_set():
            run_in_parallel(lambda: delete_account(user=User.objects.get(), password=PASSWORD))
            is_deleted.set()
            stripe_api.faults = list(DOWN) if is_down else []
        return result

    monkeypatch.setattr(stripe_api, "_perform", perform_and_delete)
    response = api.checkout()
    assert is_deleted.is_set()
    assert (response.status_code, response.json()["code"]) == (409, "account_deleted")
    stripe_api.faults = []
    clean_up_all()
    assert is_left_at_stripe(stripe_api) == []
    assert not Checkout.objects.exists()
    assert "ada@" not in str([*Customer.objects.values(), *CleanupRequest.objects.values()])


def test_deletion_and_checkouts_in_parallel_leave_nothing(committed_ada, stripe_api):
    api = BillingClient(committed_ada)
    stripe_api.latency = 0.05
    user = User.objects.get()
    delete = lambda: delete_account(user=user, password=PASSWORD)  # noqa: E731
    *responses, _ = run_in_parallel(*[api.checkout] * 3, delete)
    assert {response.status_code for response in responses} <= {200, 401, 409}
    clean_up_all()
    assert is_left_at_stripe(stripe_api) == []
    assert not Checkout.objects.exists()
