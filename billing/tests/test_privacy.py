"""What billing contributes to timeline, export, and deletion guard, and what remains after erasure."""

import json
from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.html import strip_tags

from accounts.hooks import Stretch, deletion_guards, export_sources, timeline_sources
from billing.models import (
    Checkout,
    Customer,
    CustomerRequest,
    Erasure,
    EventAddress,
    Payment,
    StripeEvent,
    Subscription,
)
from billing.privacy import export_events
from billing.testing.stories import all_stories
from billing.testing.stories.performance import perform
from billing.tests.support.stripe_events import all_payloads, changed, payload, post, post_all
from billing.webhook.backlog import sweep
from billing.webhook.storage import purge

PURCHASE = ["checkout_session_completed_subscription", "invoice_paid_first", "customer_subscription_created"]


@pytest.fixture
def paying_user(ada):
    """Ada, who bought a plan that is active."""
    post_all([payload(name) for name in PURCHASE])
    post(changed(payload("customer_subscription_created"), "customer.subscription.updated", status="active"))
    return ada


def timeline(user):
    return [entry for source in timeline_sources for entry in source.entries(user, Stretch(limit=100))]


def labels(user):
    """Return what each entry says, with the word of its badge."""
    return {f"{entry.what}: {strip_tags(entry.badge)}" for entry in timeline(user)}


def test_timeline_shows_purchases(paying_user):
    expected = {"checkout.session.completed: Processed", "invoice.paid: Processed"}
    assert labels(paying_user) >= {*expected, "Payment of $29.00: Paid", "Subscription to Pro: Active"}


def test_timeline_excludes_other_users(paying_user, django_user_model):
    bob = django_user_model.objects.create_user("bob@own.example", "correct horse battery")
    assert [entry for entry in timeline(bob) if "29.00" in entry.what] == []


def test_export_contains_billing_data(paying_user):
    names = ("stripe_customers", "subscriptions", "payments", "stripe_events")
    export = json.loads(json.dumps({name: export_sources[name](paying_user) for name in names}, cls=DjangoJSONEncoder))
    assert [customer["email"] for customer in export["stripe_customers"]] == ["ada@example.com"]
    assert [subscription["status"] for subscription in export["subscriptions"]] == ["active"]
    assert [payment["amount"] for payment in export["payments"]] == [2900]
    assert {event["type"] for event in export["stripe_events"]} >= {"invoice.paid", "checkout.session.completed"}


def deletion_refusals(user):
    return [sentence for guard in deletion_guards if (sentence := guard(user))]


def test_charged_subscription_blocks_deletion(paying_user):
    [sentence] = deletion_refusals(paying_user)
    assert "Pro" in sentence
    assert "Cancel it" in sentence


@pytest.mark.parametrize("values", [{"status": "canceled"}, {"cancel_at": "2026-12-02T12:00Z"}])
def test_ending_subscription_allows_deletion(paying_user, values):
    Subscription.objects.update(**values)
    assert deletion_refusals(paying_user) == []


@pytest.fixture
def erased_user(paying_user):
    post_all([payload("checkout_session_completed_payment_guest")])
    Payment.objects.filter(stripe_id__startswith="cs_").update(user=paying_user)
    Checkout.objects.create(user=paying_user, plan="pro", price_id="price_1")
    CustomerRequest.objects.create(user=paying_user, email=paying_user.email, name="Ada")
    paying_user.delete()


def everything_stored() -> str:
    """Everything that billing has stored, as one text. A CleanupRequest may have the address until it is done."""
    tables = (
        Checkout,
        Customer,
        CustomerRequest,
        Erasure,
        EventAddress,
        Payment,
        StripeEvent,
        Subscription,
    )
    return json.dumps([[*table.objects.values()] for table in tables], cls=DjangoJSONEncoder)


def test_erased_user_leaves_no_personal_data(erased_user):
    assert not [word for word in ("ada@", "Ada", "Byron", "Uest", "guest@", "94107") if word in everything_stored()]


def test_payments_are_kept_without_the_user(erased_user):
    assert sorted(map(str, Payment.objects.all())) == ["$29.00 paid", "€52.92 paid"]
    assert not Payment.objects.exclude(user=None).exists()
    assert Payment.objects.get(amount=2900).number
    assert Subscription.objects.get().customer_id == Customer.objects.get().pk


def test_later_events_restore_nothing_and_send_nothing(erased_user, queued_emails):
    before = set(queued_emails())
    post_all([event for event in all_payloads() if event["data"]["object"].get("customer")])
    customer, payments = Customer.objects.get(), Payment.objects.filter(customer__isnull=False)
    assert customer.email == ""
    assert customer.name == ""
    assert customer.user_id is None
    assert [*payments]
    assert not payments.exclude(email="", user=None).exists()
    assert set(queued_emails()) == before
    assert not StripeEvent.objects.exclude(status="processed").exists()


def test_unprocessed_event_of_erased_user_is_settled(paying_user):
    StripeEvent.objects.filter(type="invoice.paid").update(
        status="failed", error="Ada Byron", due_at="2026-01-01T00:00Z"
    )
    paying_user.delete()
    sweep()
    assert not StripeEvent.objects.exclude(status="processed").exists()


def test_timeline_links_to_event_ids_that_need_quoting(ada, admin_client):
    """``_3A`` is how the admin quotes a colon in a path."""
    post(payload("invoice_paid_first") | {"id": "evt_3A1b"})
    [entry] = [entry for entry in timeline(ada) if entry.what == "invoice.paid"]
    assert admin_client.get(entry.url).status_code == 200


# Events that no customer leads to


ADDRESS = "ada@own.example"


def names_ada(text: str) -> bool:
    return "ada@own" in text.lower()


def event_naming_ada(event_type: str = "checkout.session.completed", number: int = 1, **values):
    details = {"email": "Ada@Own.example", "name": "Guest"}
    session = payload("checkout_session_completed_payment_guest")
    values = {"customer_details": details, "customer_email": None, **values}
    return changed(session, event_type, id=f"cs_{number}", **values)


NAMELESS: list[dict[str, Any]] = [
    {},
    {"customer_details": None, "customer_email": ADDRESS},
    {"customer_details": None, "receipt_email": f" {ADDRESS.upper()} "},
    {"customer_details": {"email": "other@example.com"}, "deep": [{"billing_details": {"email": ADDRESS}}]},
    {"metadata": {}, "customer": "cus_foreign"},
    {"metadata": {"installation": "staging.example.com", "user_id": "7"}, "customer": "cus_foreign"},
]


@pytest.mark.parametrize("event_type", ["checkout.session.completed", "payment_intent.succeeded"])
@pytest.mark.parametrize("values", NAMELESS)
def test_events_without_a_customer_are_erased_by_address(ada, event_type, values):
    post(event_naming_ada(event_type, **values))
    kept = event_naming_ada(number=2) | {"type": event_type}
    kept["data"]["object"]["customer_details"]["email"] = "grace@own.example"
    post(kept)
    assert names_ada(everything_stored())
    ada.delete()
    assert not names_ada(everything_stored())
    assert "grace@own.example" in everything_stored()


@pytest.mark.parametrize("values", NAMELESS)
@pytest.mark.parametrize("event_type", ["checkout.session.completed", "payment_intent.succeeded"])
def test_event_from_before_the_erasure_that_arrives_later_is_emptied(ada, event_type, values):
    ada.delete()
    post(event_naming_ada(event_type, **values))
    assert StripeEvent.objects.exists()
    assert not names_ada(everything_stored())


def test_purchase_after_the_erasure_is_a_new_one(ada):
    """The same person, or the next owner of the address, buys as a guest."""
    ada.delete()
    post(event_naming_ada(created=4000000000))
    assert Payment.objects.get().email == ADDRESS


@pytest.mark.parametrize(
    "event_type", ["customer.deleted", "customer.updated", "invoice.paid", "payment_intent.created"]
)
def test_later_event_of_an_erased_customer_is_emptied(erased_user, event_type):
    """Stripe reports the deletion of the customer, too, and the event contains the address."""
    customer = Customer.objects.get()
    event = changed(payload("invoice_paid_first"), event_type, customer_email=ADDRESS)
    if event_type.startswith("customer."):
        event["data"]["object"] |= {"id": customer.pk, "object": "customer", "email": ADDRESS}
    post(event)
    assert not names_ada(everything_stored())


def test_foreign_and_guest_events_are_not_exported(ada):
    """Anybody can type Ada's address in a checkout, with a name and an address of their own."""
    for number, values in enumerate(NAMELESS):
        post(event_naming_ada(number=number, **values))
    assert export_sources["stripe_events"](ada) == []
    assert [entry for entry in timeline(ada) if "checkout" in entry.what] == []


def test_address_of_another_user_is_kept(ada, django_user_model):
    bob = django_user_model.objects.create_user("bob@own.example", "correct horse battery")
    post(event_naming_ada())
    bob.delete()
    assert names_ada(everything_stored())


def test_digests_of_erased_addresses_are_kept_for_as_long_as_events(ada):
    ada.delete()
    assert Erasure.objects.exclude(address_digest="").exists()
    Erasure.objects.update(erased_at="2026-01-01T00:00Z")
    purge()
    [erasure] = Erasure.objects.all()
    assert (erasure.user_id, erasure.address_digest) == (7, "")


@pytest.mark.parametrize("generation", ["old", "new"])
def test_timeline_and_export_contain_what_names_no_customer(ada, generation):
    for name in ("refund-failed", "dispute-won"):
        post_all(perform(all_stories()[name], ada.email, generation).events)
    what = [entry.what for entry in timeline(ada)]
    types = {"refund.created", "refund.failed", "charge.dispute.created", "charge.dispute.closed"}
    if generation == "new":
        types.add("invoice_payment.paid")
    assert types <= set(what)
    assert {"Refund of $29.00: Refund failed", "Dispute about $29.00: Won"} <= labels(ada)
    assert types <= {event["type"] for event in export_events(ada)}
