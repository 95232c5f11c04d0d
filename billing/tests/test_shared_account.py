"""One Stripe account, several products: events of another installation or product change nothing here."""

import copy
import json
import logging
from typing import Any

import pytest

from accounts.hooks import deletion_guards
from accounts.models import User
from billing import testing
from billing.models import Checkout, Customer, CustomerRequest, Payment, RefundedCharge, StripeEvent, Subscription
from billing.services import reconciliation
from billing.services.versions import version
from billing.tests.support.stripe_events import GENERATIONS, Event, changed, marked, payload, post, post_all
from billing.webhook.backlog import sweep
from common.db import database_now
from emails.models import OutboundEmail

OTHERS = ("staging.example.com", None)  # another installation, and a product that sets no marks
CUSTOMER = "cus_TLm3kQ8sVb2XyZ"
SUBSCRIPTION = "sub_1SPb7zKq4RtYw2Vd"
MODELS = (User, Checkout, Customer, CustomerRequest, Payment, RefundedCharge, Subscription, OutboundEmail)
GARBAGE: list[Any] = [None, "", 7, 7.0, -7, True, [], ["7"], {}, {"id": "7"}, "1 ", " 7", "-7", "07", "٧", "7\n", "x"]
GARBAGE += ["9" * 18, "9" * 19, "9" * 5000, 10**400, "7\x00", "\ud800"]


def foreign_events(installation: str | None, generation: str) -> list[Event]:
    """Every handled type about a person who has Ada's address, and whose user ID is Ada's: both are common."""
    events = []
    for event_type in testing.types(generation):
        *_, event = testing.events(event_type, "stranger@example.net", generation=generation)
        event = json.loads(json.dumps(event).replace("stranger@example.net", "ada@own.example"))
        for holder in holders_of_metadata(event["data"]["object"]):
            holder["metadata"] = {"user_id": "7"}
        events.append(marked(event, installation))
    return events


def holders_of_metadata(value: Any) -> list[dict[str, Any]]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    inner = [holder for item in items for holder in holders_of_metadata(item)]
    return [value, *inner] if isinstance(value, dict) and "metadata" in value else inner


def everything() -> dict[str, list[Any]]:
    return {model.__name__: [*model.objects.order_by("pk").values()] for model in MODELS}


def seen_by(api: Any, ada: User) -> list[Any]:
    refusals = [guard(ada) for guard in deletion_guards]
    return [api.get("subscription/").json(), api.get("payments/").json(), refusals]


@pytest.mark.parametrize("has_bought", [False, True])
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("installation", OTHERS)
def test_no_event_of_another_product_changes_a_user(
    ada, ada_api, stripe_api, caplog, installation, generation, has_bought
):
    if has_bought:
        post_all([payload("checkout_session_completed_subscription"), payload("invoice_paid_first", generation)])
        post(changed(payload("customer_subscription_created"), "customer.subscription.updated", status="active"))
    rows, seen = everything(), seen_by(ada_api, ada)
    events = foreign_events(installation, generation)
    caplog.clear()
    assert set(post_all(events)) == {200}
    sweep()
    assert everything() | {"RefundedCharge": []} == rows
    assert seen_by(ada_api, ada) == seen
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    stored = StripeEvent.objects.filter(pk__in=[event["id"] for event in events])
    assert stored.count() == len(events)
    assert not stored.filter(status="failed").exists()
    assert ada_api.checkout().status_code == (409 if has_bought else 200)


def test_two_installations_each_keep_their_own_user(ada, settings, queued_emails):
    """The same event arrives at both. Only the one whose mark it carries links it to its user 7."""
    event = payload("invoice_paid_first")
    settings.INSTALLATION_ID = "staging.example.com"
    post(event)
    assert not Payment.objects.exists()
    settings.INSTALLATION_ID = "app.example.com"
    post(changed(event))
    assert [payment.user for payment in Payment.objects.all()] == [ada]
    assert len(queued_emails()) == 1


@pytest.mark.parametrize("value", GARBAGE)
@pytest.mark.parametrize("name", ["user_id", "installation"])
def test_unusable_metadata_links_nobody(ada, name, value):
    events = [payload(kind) for kind in ("invoice_paid_first", "customer_subscription_created")]
    for event in events:
        for holder in holders_of_metadata(event["data"]["object"]):
            holder["metadata"] = {"user_id": "7", "installation": "app.example.com", name: value}
    assert set(post_all(events)) == {200}
    assert not StripeEvent.objects.exclude(status="processed").exists()
    assert not Payment.objects.of(ada.pk).exists()
    assert not Subscription.objects.of(ada.pk).exists()


@pytest.mark.parametrize("metadata", [None, [], "x", 7, [{"user_id": "7"}]])
def test_metadata_of_another_type_links_nobody(ada, metadata):
    event = payload("checkout_session_completed_subscription")
    post(changed(event, metadata=metadata))
    assert not Customer.objects.exists()


def test_event_of_our_unknown_customer_waits_for_its_owner(ada, queued_emails):
    """A payment link names us only in its session, and its invoice can arrive first."""
    post(marked(payload("invoice_paid_first"), None))
    assert (Payment.objects.count(), queued_emails()) == (0, {})
    post(payload("checkout_session_completed_subscription"))
    sweep()
    assert [payment.user for payment in Payment.objects.all()] == [ada]
    assert [email.recipients for email in queued_emails().values()] == ["ada@own.example"]


def test_event_that_overlapped_with_its_customer_is_swept(ada):
    """Neither transaction saw the other, so nothing released the event."""
    post(marked(payload("invoice_paid_first"), None))
    Customer.objects.create(pk=CUSTOMER, user=ada)
    sweep()
    assert Payment.objects.of(ada.pk).exists()


# Rows from before the mark, or from before INSTALLATION_ID was changed


@pytest.fixture(params=OTHERS)
def unmarked_events(request) -> list[Event]:
    names = ("invoice_paid_first", "customer_subscription_created", "invoice_payment_failed_renewal")
    return [marked(payload(name, generation), request.param) for name in names for generation in GENERATIONS]


def assert_linked(ada: User) -> None:
    assert Payment.objects.of(ada.pk).count() == Payment.objects.count() == 2
    assert Subscription.objects.of(ada.pk).exists()


def test_customer_that_was_linked_before_keeps_working(ada, unmarked_events):
    Customer.objects.create(pk=CUSTOMER, user=ada, metadata_user_id=ada.pk)
    post_all(unmarked_events)
    assert_linked(ada)


def test_customer_that_we_created_needs_no_mark(ada, unmarked_events):
    CustomerRequest.objects.create(user=ada, email=ada.email, customer_id=CUSTOMER)
    post_all(unmarked_events)
    assert_linked(ada)


def test_session_that_we_created_needs_no_mark(ada, unmarked_events):
    session = marked(payload("checkout_session_completed_subscription"), None)
    session_id = session["data"]["object"]["id"]
    Checkout.objects.create(user=ada, plan="pro", price_id="price_1", session_id=session_id)
    post_all([session, *unmarked_events])
    assert_linked(ada)


def test_customer_that_was_stored_but_not_linked_stays_foreign(ada, unmarked_events):
    """Every event used to store its customer."""
    Customer.objects.create(pk=CUSTOMER, metadata_user_id=7)
    post_all(unmarked_events)
    assert not Payment.objects.exists()


def test_stored_subscription_of_others_is_asked_about_once(ada, stripe_api):
    customer = Customer.objects.create(pk="cus_foreign")
    Subscription.objects.create(
        pk=SUBSCRIPTION,
        customer=customer,
        status="active",
        version=version(database_now(), 2),
        refresh_at=database_now(),
    )
    data = copy.deepcopy(payload("customer_subscription_created")["data"]["object"])
    stripe_api.subscriptions[SUBSCRIPTION] = data | {"customer": "cus_foreign", "metadata": {"user_id": "7"}}
    reconciliation.refresh_subscriptions()
    assert Subscription.objects.get().refresh_at is None
    assert not Subscription.objects.of(ada.pk).exists()


def test_client_reference_id_alone_proves_nothing(ada, queued_emails):
    session = changed(
        payload("checkout_session_completed_subscription"), metadata={}, client_reference_id="7", customer="cus_link"
    )
    post(session)
    assert (Customer.objects.count(), Subscription.objects.count(), queued_emails()) == (0, 0, {})


def test_unmarked_sale_to_a_guest_sends_no_receipt(db, queued_emails):
    post(marked(payload("checkout_session_completed_payment_guest"), None))
    assert (Payment.objects.count(), queued_emails()) == (0, {})
