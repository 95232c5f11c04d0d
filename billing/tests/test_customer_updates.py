"""What changes about a customer on one side reaches the other, and Stripe never changes an account."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.hooks import deletion_guards
from accounts.models import User
from accounts.services.passwords import reset_password
from accounts.services.profile import update_profile
from accounts.tokens import make_password_reset_token
from billing.models import CleanupRequest, Customer, Subscription
from billing.tasks import handle_due_events
from billing.tests.support.stripe_events import post
from billing.tests.test_addresses import CUSTOMER, customer_updated
from billing.tests.test_admin import admin_client as admin_client

FAULTS = ["500", "429", "timeout-after", "cut-after", "401"]


@pytest.fixture
def customer(ada, stripe_api):
    stripe_api.customers[CUSTOMER] = {"id": CUSTOMER, "object": "customer", "email": "books@own.example", "name": "Ada"}
    return Customer.objects.create(pk=CUSTOMER, user=ada, email="ada@own.example")


def names_sent(stripe_api):
    return [request.parameters for request in stripe_api.calls(f"/v1/customers/{CUSTOMER}")]


def test_stripe_learns_the_new_name_and_nothing_else(ada, customer, stripe_api):
    update_profile(user=ada, name="Ada Lovelace", language="de")
    update_profile(user=ada, name="Ada Byron")
    handle_due_events()
    handle_due_events()
    assert names_sent(stripe_api) == [{"name": "Ada Byron"}]
    assert stripe_api.customers[CUSTOMER]["email"] == "books@own.example"


@pytest.mark.parametrize("values", [{"language": "de"}, {"name": "Ada"}, {}])
def test_other_changes_of_the_profile_call_nobody(ada, customer, stripe_api, values):
    update_profile(user=ada, **values)
    handle_due_events()
    assert stripe_api.requests == []


@pytest.mark.parametrize("fault", FAULTS)
def test_name_is_sent_until_stripe_has_it(ada, customer, stripe_api, fault):
    update_profile(user=ada, name="Ada Lovelace")
    stripe_api.faults = [fault] * 4
    handle_due_events()
    stripe_api.faults = []
    assert CleanupRequest.objects.filter(due_at__gt=timezone.now()).count() == 1
    CleanupRequest.objects.update(due_at=F("created_at"))
    handle_due_events()
    assert stripe_api.customers[CUSTOMER]["name"] == "Ada Lovelace"
    assert not CleanupRequest.objects.exclude(due_at=None).exists()


def test_name_of_a_stranger_is_removed_at_stripe_too(ada, customer, stripe_api):
    reset_password(token=make_password_reset_token(ada), password="another correct horse")
    handle_due_events()
    assert stripe_api.customers[CUSTOMER]["name"] == ""


def test_deleted_customer_gets_no_name(ada, customer, stripe_api):
    update_profile(user=ada, name="Ada Lovelace")
    stripe_api.delete_customer(CUSTOMER)
    handle_due_events()
    assert not CleanupRequest.objects.exclude(due_at=None).exists()


def test_address_at_stripe_is_shown_to_staff_and_changes_no_account(ada, customer, admin_client):
    assert CUSTOMER not in admin_client.get("/admin/billing/customer/?address=other").text
    post(customer_updated("books@own.example"))
    ada.refresh_from_db()
    assert ada.email == "ada@own.example"
    assert "books@own.example" in admin_client.get("/admin/billing/customer/?address=other").text


# The deletion of an account

SOON = timezone.now() + timedelta(days=9)


@pytest.mark.parametrize(
    ("values", "is_refused"),
    [
        ({"status": "past_due"}, True),
        ({"status": "past_due", "cancel_at": SOON}, False),
        ({"status": "unpaid"}, True),
        ({"status": "paused"}, True),
        ({"status": "active", "has_schedule": True}, True),
        ({"status": "active", "has_schedule": True, "cancel_at": SOON}, False),
        ({"status": "active", "is_collection_paused": True}, True),
        ({"status": "trialing", "without_card": "cancel", "trial_end": SOON}, True),
        ({"status": "incomplete"}, False),
        ({"status": "canceled"}, False),
    ],
)
def test_deletion_is_refused_while_stripe_would_go_on_charging(ada, customer, stripe_api, values, is_refused):
    Subscription.objects.create(pk="sub_1", customer=customer, **values)
    stripe_api.subscriptions["sub_1"] = {"id": "sub_1", "customer": CUSTOMER, "status": values["status"]}
    assert any(guard(ada) for guard in deletion_guards) == is_refused
    User.objects.get(pk=ada.pk).delete()  # as staff can in any case
    handle_due_events()
    assert stripe_api.customers[CUSTOMER]["deleted"]
    assert stripe_api.subscriptions["sub_1"]["status"] == "canceled"
