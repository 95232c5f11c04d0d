"""Every item of a subscription: stored from events of both generations, shown, and the basis of access."""

import copy

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from accounts.tests.support.browser import text_of
from billing.access import (
    HasAddOn,
    HasBought,
    HasPlan,
    limit_of,
    plan_of,
    seats_of,
    user_bought,
    user_has_add_on,
    user_has_plan,
    user_has_subscription,
)
from billing.models import Customer, Payment, RefundedCharge, Subscription
from billing.services.reconciliation import refresh_subscriptions
from billing.tests.support.offers import PRO, sell_everything
from billing.tests.support.stripe_events import changed, payload, post

ANYBODY = AnonymousUser()


@pytest.fixture(autouse=True)
def offers(settings):
    sell_everything(settings)


def item(gen, price_id, amount, quantity=1, **price):
    """Return the item of the sample subscription with another price."""
    sample = payload("customer_subscription_created", gen)["data"]["object"]["items"]["data"][0]
    row = copy.deepcopy(sample) | {"id": f"si_{price_id}", "quantity": quantity}
    for name in {"price", "plan"} & row.keys():
        row[name] |= {"id": price_id, "unit_amount": amount, "amount": amount, **price}
    return row


def plan_slug(user):
    plan = plan_of(user)
    return plan.slug if plan else ""


def subscribe(gen, *items, **values):
    data = {"object": "list", "data": [*items]}
    post(changed(payload("customer_subscription_created", gen), status="active", items=data, **values))
    return Subscription.objects.get()


@pytest.mark.parametrize("gen", ["old", "new"])
def test_every_item_is_stored_and_returned(ada, ada_api, gen):
    unknown = item(gen, "price_setup", 700, 2, nickname="Priority lane")
    subscription = subscribe(gen, item(gen, "price_backups", 500, 3), unknown, item(gen, PRO, 2900))
    assert [(row["price_id"], row["quantity"], row["id"]) for row in subscription.items] == [
        ("price_backups", 3, "si_price_backups"),
        ("price_setup", 2, "si_price_setup"),
        (PRO, 1, f"si_{PRO}"),
    ]
    data = ada_api.get("subscription/").json()
    shown = [(row["kind"], row["slug"], row["name"], row["quantity"], row["display_amount"]) for row in data["items"]]
    assert shown == [
        ("add_on", "backups", "Backups", 3, "$15.00"),
        ("other", "", "Priority lane", 2, "$14.00"),
        ("plan", "pro", "Pro", 1, "$29.00"),
    ]
    assert data["display_amount"] == "$58.00"
    assert (user_has_plan(ada, "pro"), user_has_add_on(ada, "backups")) == (True, True)
    assert not user_has_add_on(ada, "support")


def test_page_lists_items_with_amounts_only_if_certain(ada):
    browser = Client()
    browser.force_login(ada)
    rows = [item("new", PRO, 2900), item("new", "price_backups", 500, 3), item("new", "price_x", 100)]
    subscribe("new", *rows)
    text = text_of(browser.get("/billing"))
    assert "3 × Backups $15.00" in text
    assert "price_x $1.00" in text
    Subscription.objects.all().delete()
    subscribe("new", *rows, discounts=["di_friend"])
    text = text_of(browser.get("/billing"))
    assert "3 × Backups" in text
    assert "$15.00" not in text


def test_any_item_that_is_a_plan_gives_access(ada):
    subscribe("new", item("new", "price_x", 1), item("new", "price_team", 1900, 4), item("new", PRO, 2900))
    assert user_has_plan(ada, "team")
    assert user_has_plan(ada, "pro")
    assert plan_slug(ada) == "team"
    assert seats_of(ada) == 4


def test_price_that_becomes_a_plan_later_gives_access(ada, settings):
    subscription = subscribe("new", item("new", "price_x", 1), item("new", "price_of_2020", 1900))
    assert not user_has_subscription(ada)
    assert not subscription.gives_access
    pro = settings.BILLING_PLANS[1] | {"former_price_ids": ["price_of_2020"]}
    settings.BILLING_PLANS = [pro]
    assert user_has_subscription(ada)
    assert user_has_plan(ada, "pro")
    assert subscription.gives_access
    assert Subscription.objects.of(ada.pk).with_access().exists()


@pytest.mark.parametrize("price_id", ["price", "price_1SNa2bKq4RtYw2VdPro9Mont", "%", '"price_id": "', "_" * 28])
def test_similar_price_gives_no_access(ada, settings, price_id):
    subscribe("new", item("new", PRO + "ly", 100))
    settings.BILLING_PLANS = [settings.BILLING_PLANS[1] | {"former_price_ids": [price_id]}]
    assert not user_has_subscription(ada)


def test_rows_of_older_versions_have_their_only_price(ada, ada_api):
    customer = Customer.objects.create(pk="cus_1", user=ada)
    values = {"status": "active", "price_id": "price_team", "quantity": 7, "version": "1"}
    Subscription.objects.create(pk="sub_1", customer=customer, **values)
    [row] = ada_api.get("subscription/").json()["items"]
    assert (row["kind"], row["slug"], row["quantity"], row["amount"]) == ("plan", "team", 7, None)
    assert seats_of(ada) == 7


def test_items_are_known_before_the_event(ada, ada_api, stripe_api, settings):
    sell_everything(settings, stripe_api)
    ada_api.checkout("team", quantity=3, add_ons=["backups"])
    session = stripe_api.complete(next(iter(stripe_api.sessions)))
    names = ("id", "customer", "metadata", "subscription", "payment_status")
    completed = payload("checkout_session_completed_subscription")
    post(changed(completed, **{name: session[name] for name in names}))
    assert user_has_plan(ada, "team")
    assert user_has_add_on(ada, "backups")
    assert seats_of(ada) == 3


def test_free_plan_is_everybodys_who_has_no_other(ada):
    assert user_has_plan(ada, "free")
    assert plan_slug(ada) == "free"
    assert limit_of(ada, "projects") == 1
    assert seats_of(ada) == 1
    subscribe("new", item("new", PRO, 2900))
    assert not user_has_plan(ada, "free")
    assert plan_slug(ada) == "pro"
    assert limit_of(ada, "projects") == 20
    assert seats_of(ada) == 1


def test_most_generous_limit_counts(ada):
    subscribe("new", item("new", PRO, 2900), item("new", "price_euro", 900))
    assert limit_of(ada, "projects") == 20
    Subscription.objects.all().delete()
    subscribe("new", item("new", PRO, 2900), item("new", "price_team", 1900, 2))
    assert limit_of(ada, "projects") is None


def test_without_a_free_plan_nobody_has_one(ada, settings):
    settings.BILLING_PLANS = settings.BILLING_PLANS[1:]
    assert plan_of(ada) is None
    assert limit_of(ada, "projects") == 0


def test_visitors_have_nothing(db):
    assert plan_of(ANYBODY) is None
    assert (limit_of(ANYBODY, "projects"), seats_of(ANYBODY)) == (0, 0)
    assert not any([user_has_plan(ANYBODY, "free"), user_has_add_on(ANYBODY, "backups"), user_bought(ANYBODY, "book")])


@pytest.mark.parametrize("check", [user_has_plan, limit_of, user_has_add_on, user_bought])
def test_unknown_names_raise_lookup_error(ada, check):
    for person in (ada, ANYBODY):
        with pytest.raises(LookupError, match="tpyo"):
            check(person, "tpyo")


def test_product_is_bought_until_its_money_is_back(ada):
    values = {"status": "paid", "amount": 3900, "currency": "usd", "charge": "ch_1"}
    payment = Payment.objects.create(stripe_id="cs_1", user=ada, product="book", **values)
    assert user_bought(ada, "book")
    refund = RefundedCharge.objects.create(pk="ch_1", charge="ch_1", currency="usd", amount=1000)
    assert user_bought(ada, "book")
    refund.amount = 3900
    refund.save()
    assert not user_bought(ada, "book")
    payment.status, payment.charge = "failed", ""
    payment.save()
    assert not user_bought(ada, "book")
    Payment.objects.update(status="paid", amount=0)
    assert user_bought(ada, "book")


def answer(user, *permissions):
    class ReportView(APIView):
        permission_classes = [IsAuthenticated, *permissions]

        def get(self, request):
            return Response("the report")

    request = APIRequestFactory().get("/report/")
    force_authenticate(request, user)
    response = ReportView.as_view()(request)
    return response.status_code, getattr(response, "data", {})


def test_permissions_refuse_with_a_code(ada):
    for permission, code in [
        (HasPlan("pro", "team"), "plan_required"),
        (HasAddOn("backups"), "add_on_required"),
        (HasBought("book"), "product_required"),
    ]:
        status, data = answer(ada, permission)
        assert (status, data["code"]) == (403, code)
    assert answer(ada, HasPlan("free"))[0] == 200
    assert answer(ada, HasPlan("free") | HasAddOn("backups"))[0] == 200
    subscribe("new", item("new", PRO, 2900), item("new", "price_backups", 500))
    assert answer(ada, HasPlan("pro", "team") & HasAddOn("backups"))[0] == 200


@pytest.mark.parametrize(
    "check",
    [
        lambda user: user_has_plan(user, "pro"),
        lambda user: limit_of(user, "projects"),
        lambda user: user_has_add_on(user, "backups"),
        lambda user: user_bought(user, "book"),
        lambda user: answer(user, HasPlan("pro")),
        user_has_subscription,
        plan_of,
        seats_of,
    ],
)
def test_each_check_costs_one_query(ada, django_assert_num_queries, check):
    subscribe("new", item("new", PRO, 2900), item("new", "price_backups", 500))
    with django_assert_num_queries(1):
        check(ada)


@pytest.mark.parametrize("rows", [None, [], "x", {"data": None}, {"data": ["x", None, {}, {"price": 7}]}])
def test_malformed_items_lose_nothing(ada, ada_api, rows):
    post(changed(payload("customer_subscription_created"), status="active", items=rows))
    assert Subscription.objects.get().status == "active"
    assert ada_api.get("subscription/").status_code == 200
    assert not user_has_plan(ada, "pro")


def test_items_beyond_the_first_ten_are_asked_for(ada, stripe_api):
    rows = [*(item("new", f"price_{number}", 100) for number in range(11)), item("new", PRO, 2900)]
    first = {"object": "list", "data": rows[:10], "has_more": True}
    event = changed(payload("customer_subscription_created"), status="active", items=first)
    post(event)
    assert not user_has_plan(ada, "pro")
    data = event["data"]["object"]
    stripe_api.subscriptions[data["id"]] = {**data, "all_items": rows}
    assert refresh_subscriptions() == 1
    subscription = Subscription.objects.get()
    assert (len(subscription.items), subscription.recurring_amount) == (12, 4000)
    assert user_has_plan(ada, "pro")
