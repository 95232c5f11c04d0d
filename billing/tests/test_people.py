"""What accounts learns of billing: timeline, export, guard; and what is left when a person is forgotten."""

import json

import pytest
from django.core.serializers.json import DjangoJSONEncoder

from accounts.hooks import deletion_guards, export_sources, timeline_sources
from billing.models import Checkout, Customer, CustomerRequest, Payment, StripeEvent, Subscription
from billing.privacy import timeline
from billing.tests.support.stripe_events import all_payloads, changed, payload, post, post_all
from billing.webhook.backlog import sweep

STORY = ["checkout_session_completed_subscription", "invoice_paid_first", "customer_subscription_created"]


@pytest.fixture
def history(ada):
    """Ada bought a plan, and it is active."""
    post_all([payload(name) for name in STORY])
    post(changed(payload("customer_subscription_created"), "customer.subscription.updated", status="active"))
    return ada


def test_the_timeline(history):
    entries = [entry for source in timeline_sources for entry in source(history)]
    what = {entry.what for entry in entries}
    assert what >= {"checkout.session.completed", "invoice.paid", "29.00 USD paid", "Pro: active"}
    assert all(entry.at for entry in entries)


def test_the_timeline_of_somebody_else_is_empty(history, django_user_model):
    bob = django_user_model.objects.create_user("bob@own.example", "correct horse battery")
    assert [entry for source in timeline_sources for entry in source(bob) if "29.00" in entry.what] == []


def test_the_export(history):
    names = ("stripe_customers", "subscriptions", "payments", "stripe_events")
    export = json.loads(json.dumps({name: export_sources[name](history) for name in names}, cls=DjangoJSONEncoder))
    assert [customer["email"] for customer in export["stripe_customers"]] == ["ada@example.com"]
    assert [subscription["status"] for subscription in export["subscriptions"]] == ["active"]
    assert [payment["amount"] for payment in export["payments"]] == [2900]
    assert {event["type"] for event in export["stripe_events"]} >= {"invoice.paid", "checkout.session.completed"}


def refusals(user):
    return [sentence for guard in deletion_guards if (sentence := guard(user))]


def test_a_subscription_that_is_charged_keeps_the_account(history):
    [sentence] = refusals(history)
    assert "Pro" in sentence
    assert "Cancel it" in sentence


@pytest.mark.parametrize("values", [{"status": "canceled"}, {"cancel_at": "2026-12-02T12:00Z"}])
def test_one_that_ends_does_not(history, values):
    Subscription.objects.update(**values)
    assert refusals(history) == []


@pytest.fixture
def forgotten(history):
    post_all([payload("checkout_session_completed_payment_guest")])
    Payment.objects.filter(stripe_id__startswith="cs_").update(user=history)
    Checkout.objects.create(user=history, plan="pro", price_id="price_1")
    CustomerRequest.objects.create(user=history, email=history.email, name="Ada")
    history.delete()


def stored() -> str:
    """All that billing has stored, in one text."""
    tables = (Checkout, Customer, CustomerRequest, Payment, StripeEvent, Subscription)
    return json.dumps([[*table.objects.values()] for table in tables], cls=DjangoJSONEncoder)


def test_nothing_tells_of_a_person_who_is_forgotten(forgotten):
    assert not [word for word in ("ada@", "Ada", "Byron", "Uest", "guest@", "94107") if word in stored()]


def test_the_books_stay(forgotten):
    assert sorted(map(str, Payment.objects.all())) == ["29.00 USD paid", "52.92 EUR paid"]
    assert not Payment.objects.exclude(user=None).exists()
    assert Payment.objects.get(amount=2900).number
    assert Subscription.objects.get().customer_id == Customer.objects.get().pk


def test_what_stripe_tells_later_brings_nothing_back_and_mails_nobody(forgotten, mails):
    before = set(mails())
    post_all([event for event in all_payloads() if event["data"]["object"].get("customer")])
    customer, payments = Customer.objects.get(), Payment.objects.filter(customer__isnull=False)
    assert (customer.email, customer.name, customer.user_id) == ("", "", None)
    assert [*payments]
    assert not payments.exclude(email="", user=None).exists()
    assert set(mails()) == before
    assert not StripeEvent.objects.exclude(status="processed").exists()


def test_an_event_that_was_still_to_be_handled_is_over(history):
    StripeEvent.objects.filter(type="invoice.paid").update(
        status="failed", error="Ada Byron", due_at="2026-01-01T00:00Z"
    )
    history.delete()
    sweep()
    assert not StripeEvent.objects.exclude(status="processed").exists()


def test_the_timeline_leads_to_events_whose_ids_the_admin_has_to_quote(ada, admin_client):
    """``_3A`` is how the admin writes a colon in a path."""
    post(payload("invoice_paid_first") | {"id": "evt_3A1b"})
    [entry] = [entry for entry in timeline(ada) if entry.what == "invoice.paid"]
    assert admin_client.get(entry.url).status_code == 200
