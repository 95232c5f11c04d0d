"""The daily comparison finds what lost events left behind, repairs it, and reports nothing false."""

import logging
from copy import copy
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from accounts.services.addresses import change_email_for
from billing.access import user_has_subscription
from billing.models import CleanupRequest, Comparison, Customer, Drift, Subscription
from billing.services import cleanup, comparison
from billing.services.comparison import compare
from billing.tasks import compare_with_stripe
from billing.tests.support.parallel import run_in_parallel
from billing.tests.support.stripe_events import changed, payload, post
from billing.tests.test_admin import admin_client as admin_client

SUBSCRIPTION, CUSTOMER = "sub_1SPb7zKq4RtYw2Vd", "cus_TLm3kQ8sVb2XyZ"
MARK = {"user_id": "7", "installation": "app.example.com"}


def at_stripe(**values):
    """Return the subscription as Stripe's API returns it."""
    return changed(payload("customer_subscription_created"), **{"status": "active", **values})["data"]["object"]


def customer_at_stripe(**values):
    return {"id": CUSTOMER, "object": "customer", "email": "ada@own.example", "metadata": MARK, **values}


@pytest.fixture
def subscribed(ada, stripe_api):
    """Ada's subscription, which is the same here and at Stripe."""
    stripe_api.subscriptions[SUBSCRIPTION] = at_stripe()
    stripe_api.customers[CUSTOMER] = customer_at_stripe()
    post(changed(payload("customer_subscription_created"), status="active"))
    Customer.objects.update(email="ada@own.example")
    return Subscription.objects.get()


def pass_time(**time):
    """Make the past as long ago as if this time had passed."""
    delta = timedelta(**time)
    Drift.objects.update(found_at=F("found_at") - delta, checked_at=F("checked_at") - delta)
    Drift.objects.exclude(confirmed_at=None).update(confirmed_at=F("confirmed_at") - delta)
    Comparison.objects.update(started_at=F("started_at") - delta, due_at=F("due_at") - delta)
    for model in (Subscription, Customer):
        model.objects.update(compared_at=F("compared_at") - delta)


def compare_all():
    """Do a whole comparison, with the ten minutes after which a difference counts."""
    compare()
    pass_time(minutes=11)
    compare()


def open_differences():
    return {row.object_id: row.differences for row in Drift.objects.open()}


def test_equal_states_are_no_difference(subscribed, stripe_api, caplog):
    with caplog.at_level(logging.INFO):
        compare_with_stripe()
    assert (Drift.objects.count(), Comparison.objects.get().compared) == (0, 2)
    assert "Compared 2 subscriptions and customers with Stripe: 0 new differences, 0 still open" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [request.path for request in stripe_api.requests] == ["/v1/subscriptions", "/v1/customers"]
    assert not compare()
    pass_time(days=1)
    assert compare()


@pytest.mark.parametrize("field", ["status", "price_id", "quantity", "cancel_at", "current_period_end"])
def test_lost_event_is_found_reported_and_repaired(subscribed, stripe_api, caplog, field):
    item = at_stripe()["items"]["data"][0]
    values = {
        "status": {"status": "past_due"},
        "price_id": {"items": {"data": [{**item, "price": {**item["price"], "id": "price_new"}}]}},
        "quantity": {"items": {"data": [{**item, "quantity": 4}]}},
        "cancel_at": {"cancel_at": 1900000000},
        "current_period_end": {"items": {"data": [{**item, "current_period_end": 1900000000}]}},
    }[field]
    before = getattr(subscribed, field)
    stripe_api.subscriptions[SUBSCRIPTION] |= values
    compare()
    subscribed.refresh_from_db()
    assert (getattr(subscribed, field), Drift.objects.open().count()) == (before, 0)
    with caplog.at_level(logging.WARNING):
        pass_time(minutes=11)
        compare()
    subscribed.refresh_from_db()
    assert getattr(subscribed, field) != before
    [row] = Drift.objects.all()
    assert [*row.differences] == [field]
    assert row.confirmed_at and row.closed_at
    assert "1 new differences, 0 still open" in caplog.text


def test_event_that_was_on_its_way_is_no_difference(subscribed, stripe_api, caplog):
    stripe_api.subscriptions[SUBSCRIPTION] |= {"status": "past_due"}
    compare()
    assert Drift.objects.suspected().count() == 1
    post(changed(payload("customer_subscription_created"), status="past_due", created=1893620800))
    with caplog.at_level(logging.WARNING):
        pass_time(minutes=11)
        compare()
    assert Drift.objects.count() == 0
    assert "differ" not in caplog.text


def test_lost_end_is_found_although_the_list_lacks_it(subscribed, stripe_api, ada):
    stripe_api.subscriptions[SUBSCRIPTION] |= {"status": "canceled", "ended_at": 1794000000}
    compare_all()
    assert not user_has_subscription(ada)
    [row] = Drift.objects.all()
    assert (row.differences, row.is_open) == ({"status": ["active", "canceled"]}, False)


def test_purchase_whose_events_were_all_lost_is_found(ada, stripe_api):
    stripe_api.customers[CUSTOMER] = customer_at_stripe()
    stripe_api.subscriptions[SUBSCRIPTION] = at_stripe(metadata=MARK)
    compare_all()
    assert user_has_subscription(ada)
    assert Drift.objects.get().differences == {"status": ["unknown", "active"]}


def test_subscription_of_another_product_is_ignored(ada, stripe_api):
    theirs = {"user_id": "7", "installation": "other.example.com"}
    stripe_api.customers["cus_theirs"] = customer_at_stripe(id="cus_theirs", metadata=theirs)
    stripe_api.subscriptions["sub_theirs"] = at_stripe(id="sub_theirs", customer="cus_theirs", metadata=theirs)
    compare_all()
    assert (Drift.objects.count(), Subscription.objects.count(), Customer.objects.count()) == (0, 0, 0)


def test_subscription_that_stripe_does_not_know_stays_open(subscribed, stripe_api, caplog):
    del stripe_api.subscriptions[SUBSCRIPTION]
    compare_all()
    assert open_differences() == {SUBSCRIPTION: {"status": ["active", "unknown"]}}
    assert user_has_subscription(subscribed.customer.user)
    since = Drift.objects.get().found_at
    pass_time(days=1)
    with caplog.at_level(logging.WARNING):
        compare()
    assert "0 new differences, 1 still open" in caplog.text
    assert since - Drift.objects.get().found_at == timedelta(days=1)  # the row is the same one
    stripe_api.subscriptions[SUBSCRIPTION] = at_stripe()
    pass_time(days=1)
    compare()
    assert open_differences() == {}


# Customers


@pytest.fixture
def guest(db, stripe_api):
    stripe_api.customers["cus_guest"] = customer_at_stripe(id="cus_guest", email="new@example.com", metadata={})
    return Customer.objects.create(pk="cus_guest", is_marked=True, email="old@example.com")


def test_lost_change_of_a_guests_address_is_taken(guest):
    compare_all()
    guest.refresh_from_db()
    assert guest.email == "new@example.com"
    assert "@" not in str([*Drift.objects.values()])


def test_address_that_stripe_never_learned_is_sent(ada, subscribed, stripe_api):
    change_email_for(user=ada, email="new@own.example")
    CleanupRequest.objects.all().delete()
    compare_all()
    assert open_differences() == {CUSTOMER: {"email": []}}
    cleanup.clean_up()
    assert stripe_api.customers[CUSTOMER]["email"] == "new@own.example"
    pass_time(days=1)
    compare()
    assert open_differences() == {}


def test_address_that_was_chosen_at_stripe_stays(subscribed, stripe_api, admin_client):
    """A person can enter another address for invoices in the portal. The account's own never changes through it."""
    stripe_api.customers[CUSTOMER] |= {"email": "books@own.example"}
    compare_all()
    cleanup.clean_up()
    assert [*Customer.objects.values_list("email", "user__email")] == [("books@own.example", "ada@own.example")]
    assert stripe_api.customers[CUSTOMER]["email"] == "books@own.example"
    assert open_differences() == {}
    assert "books@own.example" in admin_client.get("/admin/billing/customer/?address=other").text


def test_customer_that_was_deleted_at_stripe_is_noted(subscribed, stripe_api):
    stripe_api.delete_customer(CUSTOMER)
    compare_all()
    assert Customer.objects.get().deleted_at is not None
    assert open_differences() == {}


# Rounds


@pytest.fixture
def many(subscribed, stripe_api):
    """130 more subscriptions, which take three pages."""
    names = [f"sub_{number}" for number in range(130)]
    stripe_api.subscriptions |= {name: at_stripe(id=name) for name in names}
    rows = [copy(subscribed) for _ in names]
    for name, row in zip(names, rows, strict=True):
        row.pk = name
    Subscription.objects.bulk_create(rows)  # posting an event for each would take ten times as long
    stripe_api.subscriptions["sub_0"] |= {"status": "past_due"}
    Subscription.objects.update(refresh_at=None)


def test_restart_goes_on_after_the_last_page(many, stripe_api, monkeypatch):
    monkeypatch.setattr(comparison, "ROUND", timedelta())
    for _ in range(5):
        compare()
    cursors = [request.parameters.get("starting_after") for request in stripe_api.requests]
    assert cursors[:3] == [None, "sub_80", "sub_30"]
    assert [request.path for request in stripe_api.requests][3:] == ["/v1/customers"]
    assert Comparison.objects.get().phase == "missing_customers"


@pytest.mark.parametrize("fault", ["500", "429;retry-after=7", "timeout-before", "cut-before", "rubbish", "401", "403"])
def test_outage_delays_and_reports_nothing(many, stripe_api, caplog, without_jitter, fault):
    stripe_api.faults = ["ok", fault]
    compare()
    state = Comparison.objects.get()
    assert (state.phase, state.cursor, state.failures) == ("subscriptions", "sub_80", 1)
    assert state.due_at > datetime.now(UTC) + timedelta(seconds=6)
    assert Drift.objects.open().count() == 0
    assert not compare()
    pass_time(minutes=2)
    compare()
    assert Comparison.objects.get().failures == 0
    assert [row.object_id for row in Drift.objects.suspected()] == ["sub_0"]
    assert "differ" not in caplog.text


def test_outage_during_the_confirmation_reports_nothing(many, stripe_api):
    compare()
    pass_time(minutes=11)
    stripe_api.faults = ["503"]
    compare()
    assert Drift.objects.open().count() == 0
    pass_time(minutes=2)
    compare()
    assert Subscription.objects.get(pk="sub_0").status == "past_due"
    assert Drift.objects.get().closed_at


def test_wait_grows_up_to_an_hour(subscribed, stripe_api, without_jitter):
    stripe_api.faults = ["500"] * 20
    waits = []
    for _ in range(9):
        compare()
        waits.append(Comparison.objects.get().due_at - datetime.now(UTC))
        pass_time(hours=2)
    assert waits[:6] == sorted(waits[:6])
    assert timedelta(minutes=59) < waits[-1] <= timedelta(hours=1)


def test_page_size_shrinks_after_failures(subscribed, stripe_api):
    stripe_api.faults = ["500"] * 3
    for _ in range(4):
        compare()
        pass_time(hours=2)
    assert [request.parameters["limit"] for request in stripe_api.requests][:4] == ["50", "25", "12", "6"]


def test_walk_starts_again_if_its_cursor_is_gone(many, stripe_api):
    stripe_api.faults = ["ok", "500"]
    compare()
    stripe_api.subscriptions["sub_80"]["status"] = "canceled"
    pass_time(minutes=2)
    compare()
    assert Comparison.objects.get().cursor == ""
    compare()
    assert {row.object_id for row in Drift.objects.suspected()} == {"sub_0", "sub_80"}


def test_nothing_is_asked_without_a_key(subscribed, stripe_api, settings):
    settings.STRIPE_SECRET_KEY = ""
    compare_with_stripe()
    assert (stripe_api.requests, Comparison.objects.count()) == ([], 0)


def test_parallel_workers_compare_once(shared_database, stripe_api):
    stripe_api.latency = 0.1
    assert sum(run_in_parallel(*[compare] * 4)) == 1
    assert len(stripe_api.requests) == 2


def test_rows_that_changed_hands_are_not_overwritten(subscribed, stripe_api):
    """A worker that was slower than its lease saves nothing."""
    state = comparison.claim()
    Comparison.objects.update(due_at=datetime.now(UTC) - timedelta(seconds=1))
    assert comparison.claim()
    assert state is not None
    assert not comparison.save(state, cursor="sub_late")
    assert Comparison.objects.get().cursor == ""


# The admin


def test_staff_see_the_difference_and_take_stripes_state(subscribed, stripe_api, admin_client):
    del stripe_api.subscriptions[SUBSCRIPTION]
    compare_all()
    text = admin_client.get("/admin/billing/drift/").text
    assert "status: active → unknown" in text
    assert "Last compared with Stripe" in text
    stripe_api.subscriptions[SUBSCRIPTION] = at_stripe(status="past_due")
    action = {"action": "take_state", "_selected_action": [Drift.objects.get().pk]}
    assert "Both agree now." in admin_client.post("/admin/billing/drift/", action, follow=True).text
    subscribed.refresh_from_db()
    assert subscribed.status == "past_due"


def test_action_explains_an_outage(subscribed, stripe_api, admin_client):
    del stripe_api.subscriptions[SUBSCRIPTION]
    compare_all()
    stripe_api.faults = ["500"] * 3
    action = {"action": "take_state", "_selected_action": [Drift.objects.get().pk]}
    assert "reach Stripe" in admin_client.post("/admin/billing/drift/", action, follow=True).text
    assert Drift.objects.open().count() == 1


def test_suspicions_are_not_shown(subscribed, stripe_api, admin_client):
    stripe_api.subscriptions[SUBSCRIPTION] |= {"status": "past_due"}
    compare()
    assert SUBSCRIPTION not in admin_client.get("/admin/billing/drift/").text


def test_old_differences_are_deleted(db):
    now = datetime.now(UTC)
    for days, name in ((91, "sub_old"), (89, "sub_new")):
        Drift.objects.create(kind="subscription", object_id=name, closed_at=now - timedelta(days=days))
    Drift.objects.create(kind="subscription", object_id="sub_open", found_at=now - timedelta(days=400))
    comparison.purge()
    assert {row.object_id for row in Drift.objects.all()} == {"sub_new", "sub_open"}
