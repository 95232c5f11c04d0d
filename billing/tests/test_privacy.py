"""What billing contributes to timeline, export, and deletion guard, and what remains after erasure."""

import json

import pytest
from django.core.serializers.json import DjangoJSONEncoder

from accounts.hooks import deletion_guards, export_sources, timeline_sources
from billing.models import Checkout, Customer, CustomerRequest, Payment, StripeEvent, Subscription
from billing.privacy import timeline
from billing.tests.support.stripe_events import all_payloads, changed, payload, post, post_all
from billing.webhook.backlog import sweep

PURCHASE = ["checkout_session_completed_subscription", "invoice_paid_first", "customer_subscription_created"]


@pytest.fixture
def paying_user(ada):
    """Ada, who bought a plan that is active."""
    post_all([payload(name) for name in PURCHASE])
    post(changed(payload("customer_subscription_created"), "customer.subscription.updated", status="active"))
    return ada


def test_timeline_shows_purchases(paying_user):
    entries = [entry for source in timeline_sources for entry in source(paying_user)]
    what = {entry.what for entry in entries}
    assert what >= {"checkout.session.completed", "invoice.paid", "29.00 USD paid", "Pro: active"}
    assert all(entry.at for entry in entries)


def test_timeline_excludes_other_users(paying_user, django_user_model):
    bob = django_user_model.objects.create_user("bob@own.example", "correct horse battery")
    assert [entry for source in timeline_sources for entry in source(bob) if "29.00" in entry.what] == []


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
    """Everything that billing has stored, as one text."""
    tables = (Checkout, Customer, CustomerRequest, Payment, StripeEvent, Subscription)
    return json.dumps([[*table.objects.values()] for table in tables], cls=DjangoJSONEncoder)


def test_erased_user_leaves_no_personal_data(erased_user):
    assert not [word for word in ("ada@", "Ada", "Byron", "Uest", "guest@", "94107") if word in everything_stored()]


def test_payments_are_kept_without_the_user(erased_user):
    assert sorted(map(str, Payment.objects.all())) == ["29.00 USD paid", "52.92 EUR paid"]
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
