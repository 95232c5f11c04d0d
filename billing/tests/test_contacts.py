"""A subscription that starts, ends, or changes is reported to the contact of its owner, if contact sync is on."""

import copy

import pytest

from accounts.models import User
from accounts.services import contacts as account_contacts
from billing.models import Subscription
from billing.tests.support.stripe_events import changed, payload, post, post_all
from billing.tests.test_disputes import dispute
from emails.models import ContactChange

CREATED = 1793620800  # when the subscription in the payloads begins
PRO = {"plan": "pro", "customer": True}
FREE = {"plan": "free", "customer": False}
STARTED = ("track_event", {"event": "subscription_started", "properties": {"plan": "pro"}})
ENDED = ("track_event", {"event": "subscription_ended", "properties": {"plan": "pro"}})


@pytest.fixture
def reported(settings):
    """Switch contact sync on, and return a function that lists what was reported about an address, without tags."""
    settings.CONTACTS_SYNC = True
    settings.EMAIL_PROVIDER = "resend"

    def reported(address: str = "ada@own.example") -> list[tuple[str, object]]:
        rows = ContactChange.objects.filter(address=address).exclude(action__in=["add_tag", "subscribe"])
        return [
            (row.action, (row.content or {}).get("attributes") if row.action == "update" else row.content)
            for row in rows.order_by("pk")
        ]

    return reported


def subscription(**values):
    return changed(payload("customer_subscription_created"), "customer.subscription.updated", **values)


def test_start_is_reported(ada, reported):
    post(subscription(status="active", created=CREATED + 1))
    assert reported() == [("update", PRO), STARTED]
    assert ContactChange.objects.filter(action="update", content__external_id="7").count() == 1


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired", "unpaid"])
def test_subscription_without_access_is_not_reported(ada, reported, status):
    post(subscription(status=status, created=CREATED + 1))
    assert reported() == []


@pytest.mark.parametrize("first", ["checkout_session_completed_subscription", "invoice_paid_first"])
def test_first_payment_starts_the_subscription_once_in_any_order(ada, reported, first):
    for order in (
        [payload(first), payload("customer_subscription_created")],
        [payload("customer_subscription_created"), payload(first)],
    ):
        Subscription.objects.all().delete()
        ContactChange.objects.all().delete()
        post_all([changed(event) for event in order])
        assert reported() == [("update", PRO), STARTED]


@pytest.mark.parametrize("status", ["trialing", "past_due", "active"])
def test_end_is_reported(ada, reported, status):
    post_all([subscription(status=status, created=CREATED + 1), payload("customer_subscription_deleted")])
    assert reported() == [("update", PRO), STARTED, ("update", FREE), ENDED]


def test_change_between_states_with_access_reports_nothing(ada, reported):
    for number, status in enumerate(["trialing", "active", "past_due", "active"]):
        post(subscription(status=status, created=CREATED + number))
    assert reported() == [("update", PRO), STARTED]


def test_repeated_and_outdated_events_report_nothing(ada, reported):
    event = subscription(status="active", created=CREATED + 5)
    post_all([event, event, changed(event), subscription(status="incomplete", created=CREATED + 1)])
    assert reported() == [("update", PRO), STARTED]


def test_change_of_plan_updates_the_contact(ada, reported, settings):
    team = {**settings.BILLING_PLANS[0], "slug": "team", "name": "Team", "price_id": "price_team"}
    settings.BILLING_PLANS = [*settings.BILLING_PLANS, team]
    post(subscription(status="active", created=CREATED + 1))
    items = copy.deepcopy(payload("customer_subscription_created")["data"]["object"]["items"])
    items["data"][0]["price"]["id"] = "price_team"
    post(subscription(status="active", created=CREATED + 2, items=items))
    assert reported() == [("update", PRO), STARTED, ("update", {"plan": "team", "customer": True})]


def test_end_of_one_of_two_subscriptions_keeps_the_plan(ada, reported):
    post(subscription(status="active", created=CREATED + 1, id="sub_other"))
    post_all([subscription(status="active", created=CREATED + 1), payload("customer_subscription_deleted")])
    assert reported() == [("update", PRO), STARTED] * 2 + [("update", PRO), ENDED]


def test_buyer_without_an_account_is_reported_once_the_address_is_known(db, reported):
    created = subscription(status="active", created=CREATED + 1, metadata={"installation": "app.example.com"})
    post(created)
    assert ContactChange.objects.count() == 0
    post(payload("invoice_paid_first"))
    assert reported("ada@example.com") == [("update", PRO), STARTED]


def test_nothing_is_reported_while_sync_is_off(ada, reported, settings):
    settings.CONTACTS_SYNC = False
    post_all([subscription(status="active", created=CREATED + 1), payload("customer_subscription_deleted")])
    assert ContactChange.objects.count() == 0


def test_change_that_cannot_be_stored_is_not_reported(ada, reported, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("billing.services.subscriptions.end_if_erased", fail)
    post(subscription(status="active", created=CREATED + 1))
    assert (Subscription.objects.count(), ContactChange.objects.count()) == (0, 0)


def test_nothing_is_reported_about_a_deleted_user(ada, reported):
    post(subscription(status="active", created=CREATED + 1))
    account_contacts.subscribe(ada)
    User.objects.all().delete()
    before = ContactChange.objects.count()
    post(payload("customer_subscription_deleted"))
    assert ContactChange.objects.count() == before


def test_new_contact_knows_the_plan(ada, reported):
    post(subscription(status="active", created=CREATED + 1))
    account_contacts.subscribe(ada)
    attributes = {"plan": "pro", "customer": True, "source": "signup"}
    found = ContactChange.objects.filter(action="subscribe").values_list("content__attributes", flat=True)
    assert found.get() == attributes


def test_suspension_is_reported_as_an_end_and_a_start(ada, reported, settings):
    settings.BILLING_ACCESS_ON_DISPUTE = "suspend"
    post_all([subscription(status="active", created=CREATED + 1), payload("invoice_paid_first")])
    post_all([payload("invoice_payment_paid"), dispute("created", "needs_response"), dispute("closed", "won")])
    assert reported() == [("update", PRO), STARTED, ("update", FREE), ENDED, ("update", PRO), STARTED]
