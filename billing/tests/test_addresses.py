"""Addresses: we use or report the ones at Stripe, follow their changes, and send Stripe ours."""

import logging

import pytest

from accounts.services.addresses import change_email_for
from billing.gateway.api import StripeApi
from billing.models import CleanupRequest, Customer, StripeEvent
from billing.services import cleanup
from billing.tasks import handle_due_events
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post
from billing.webhook import backlog

CUSTOMER = "cus_TLm3kQ8sVb2XyZ"


def customer_updated(email, **values):
    event = changed(payload("customer_subscription_created"), "customer.updated", **values)
    created = {"created": values["created"]} if "created" in values else {}
    event["data"]["object"] = {"id": CUSTOMER, "object": "customer", "email": email, "metadata": {}, **created}
    return event


def recipients(queued_emails):
    return [email.recipients for email in queued_emails().values()]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_next_email_goes_to_the_changed_address(db, queued_emails, generation):
    post(payload("invoice_paid_first", generation))
    post(customer_updated("new@example.com"))
    post(payload("invoice_payment_failed_renewal", generation))
    assert {email.kind: email.recipients for email in queued_emails().values()} == {
        "receipt": "ada@example.com",
        "payment_failed": "new@example.com",
    }


def test_older_change_of_the_address_is_ignored(db):
    post(payload("invoice_paid_first"))
    post(customer_updated("newest@example.com", created=1800000002))
    post(customer_updated("older@example.com", created=1800000001))
    assert Customer.objects.get().email == "newest@example.com"


def test_address_of_the_account_comes_first(ada, queued_emails):
    post(payload("invoice_paid_first"))
    post(customer_updated("new@example.com"))
    post(payload("invoice_payment_failed_renewal"))
    assert recipients(queued_emails) == ["ada@own.example"] * 2


def test_change_at_stripe_releases_waiting_emails(db, queued_emails, django_capture_on_commit_callbacks):
    post(changed(payload("invoice_paid_first"), customer_email=None))
    with django_capture_on_commit_callbacks(execute=True):
        post(customer_updated("new@example.com"))
    assert recipients(queued_emails) == ["new@example.com"]


@pytest.mark.parametrize(
    "text",
    [
        "Ada <ada@shop.example>",
        "<ada@shop.example>",
        "  ada@shop.example ",
        '"Lovelace, Ada" <ADA@Shop.example>',
        "ada@shop.example",
    ],
)
def test_every_usual_form_of_an_address_is_used(db, queued_emails, text):
    post(changed(payload("invoice_paid_first"), customer_email=text))
    assert recipients(queued_emails) == ["ada@shop.example"]


@pytest.mark.parametrize(
    "text", ["ä@example.com", "Ada <nobody>", "a@b c", "a@b <c@example.com>", "<a@x.org> <b@x.org>"]
)
def test_unusable_address_is_reported_to_staff(db, queued_emails, caplog, text):
    with caplog.at_level(logging.ERROR):
        post(changed(payload("invoice_paid_first"), customer_email=text))
    assert queued_emails() == {}
    assert "no email can be sent to its address" in caplog.text
    assert text not in caplog.text
    assert StripeEvent.objects.get().note.startswith("Stripe's email address can't be used.")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_payment_without_customer_and_address_does_not_wait(db, queued_emails, generation):
    post(changed(payload("invoice_paid_first", generation), customer=None, customer_email=None))
    event = StripeEvent.objects.get()
    assert (event.status, event.due_at) == ("processed", None)
    assert (
        event.note == "The email address of a customer without an ID isn't known. There's nobody to send the email to."
    )
    assert backlog.sweep() == 0


@pytest.fixture
def customer(ada, stripe_api):
    stripe_api.customers[CUSTOMER] = {"id": CUSTOMER, "object": "customer", "email": "ada@own.example"}
    return Customer.objects.create(pk=CUSTOMER, user=ada)


def test_stripe_learns_the_new_address(ada, customer, stripe_api):
    change_email_for(user=ada, email="new@own.example")
    handle_due_events()
    assert stripe_api.customers[CUSTOMER]["email"] == "new@own.example"
    change_email_for(user=ada, email="third@own.example")
    handle_due_events()
    assert stripe_api.customers[CUSTOMER]["email"] == "third@own.example"


@pytest.mark.parametrize("fault", ["500", "429", "cut-after", "401"])
def test_stripe_is_told_again_until_it_knows(ada, customer, stripe_api, fault):
    change_email_for(user=ada, email="new@own.example")
    stripe_api.faults = [fault]
    handle_due_events()
    row = CleanupRequest.objects.get()
    assert (row.done_at, row.failures) == (None, 1)
    CleanupRequest.objects.update(due_at=row.created_at)
    handle_due_events()
    assert stripe_api.customers[CUSTOMER]["email"] == "new@own.example"
    assert CleanupRequest.objects.get().done_at


def test_change_during_the_call_is_not_lost(ada, customer, stripe_api, monkeypatch):
    change_email_for(user=ada, email="new@own.example")
    call = StripeApi.update_customer

    def interrupted(self, customer_id, *, email):
        call(self, customer_id, email=email)
        change_email_for(user=ada, email="third@own.example")

    with monkeypatch.context() as patch:
        patch.setattr(StripeApi, "update_customer", interrupted)
        cleanup.clean_up()
    cleanup.clean_up()
    assert stripe_api.customers[CUSTOMER]["email"] == "third@own.example"


def test_nobody_is_told_without_a_customer(ada, stripe_api):
    change_email_for(user=ada, email="new@own.example")
    handle_due_events()
    assert stripe_api.requests == []
