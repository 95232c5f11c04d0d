"""What can be bought: each price of a plan, seats, add-ons, products, and on which terms."""

import pytest
from django.contrib.auth import get_user_model

from billing.models import Checkout, Payment
from billing.services.locales import LOCALES, checkout_locale
from billing.tests.support.offers import PRO, sell_everything
from billing.tests.support.stripe_events import changed, payload, post

SESSIONS = "/v1/checkout/sessions"
SEATS = {"value": 1}


def seats_in_use(user):
    return SEATS["value"]


@pytest.fixture(autouse=True)
def offers(settings, stripe_api, monkeypatch):
    monkeypatch.setitem(SEATS, "value", 1)
    settings.BILLING_SEATS_IN_USE = "billing.tests.test_orders.seats_in_use"
    sell_everything(settings, stripe_api)


def set_plan(settings, slug, **values):
    settings.BILLING_PLANS = [{**plan, **values} if plan["slug"] == slug else plan for plan in settings.BILLING_PLANS]


def newest(stripe_api):
    return [*stripe_api.sessions.values()][-1]["parameters"]


def items(stripe_api):
    return [(item["price"], item["quantity"]) for item in newest(stripe_api)["line_items"].values()]


def open_sessions(stripe_api):
    return [session for session in stripe_api.sessions.values() if session["status"] == "open"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"plan": "pro"}, [(PRO, "1")]),
        ({"plan": "pro", "interval": "month", "interval_count": 1}, [(PRO, "1")]),
        ({"plan": "pro", "interval": "month", "interval_count": 3}, [("price_pro_quarter", "1")]),
        ({"plan": "pro", "interval": "year", "quantity": 1}, [("price_pro_year", "1")]),
        ({"plan": "team"}, [("price_team", "2")]),
        ({"plan": "team", "interval": "year", "quantity": 50}, [("price_team_year", "50")]),
        ({"plan": "pro", "add_ons": ["backups"]}, [(PRO, "1"), ("price_backups", "1")]),
        (
            {"plan": "team", "interval": "year", "add_ons": ["support", "backups"]},
            [("price_team_year", "2"), ("price_support", "1"), ("price_backups_year", "1")],
        ),
        ({"product": "book"}, [("price_book", "1")]),
        ({"product": "book", "quantity": 3}, [("price_book", "3")]),
    ],
)
def test_order_reaches_stripe_as_it_is(ada_api, stripe_api, order, expected):
    response = ada_api.post("checkout/", order)
    assert response.status_code == 200, response.json()
    assert items(stripe_api) == expected
    assert newest(stripe_api)["mode"] == ("payment" if "product" in order else "subscription")


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"plan": "free"}, "plan"),
        ({"plan": "pro", "product": "book"}, "plan"),
        ({"product": "pro"}, "product"),
        ({"product": "book", "add_ons": []}, "add_ons"),
        ({"plan": "pro", "interval": "week"}, "interval"),
        ({"plan": "pro", "interval": "monthly"}, "interval"),
        ({"plan": "pro", "interval": ""}, "interval"),
        ({"plan": "pro", "interval": "year", "interval_count": 3}, "interval"),
        ({"plan": "pro", "interval_count": 3}, "interval"),
        ({"plan": "pro", "interval": "month", "interval_count": True}, "interval_count"),
        ({"plan": "pro", "interval": "month", "interval_count": 0}, "interval_count"),
        ({"plan": "pro", "interval": "month", "interval_count": 10**30}, "interval_count"),
        ({"plan": "pro", "add_ons": ["nothing"]}, "add_ons"),
        ({"plan": "pro", "add_ons": ["support"]}, "add_ons"),  # only by the year
        ({"plan": "euro", "add_ons": ["backups"]}, "add_ons"),  # only in dollars
        ({"plan": "pro", "add_ons": ["backups", "backups"]}, "add_ons"),
        ({"plan": "pro", "add_ons": "backups"}, "add_ons"),
        ({"plan": "pro", "add_ons": [["backups"]]}, "add_ons"),
        ({"plan": "pro", "quantity": 2}, "quantity"),
        *[
            ({"plan": "team", "quantity": value}, "quantity")
            for value in (0, -1, 1, 51, True, 2.0, 2.5, "2", "x", None)
        ],
        *[({"plan": "team", "quantity": value}, "quantity") for value in ("", 10**6, 10**30, ["2"])],
        *[({"product": "book", "quantity": value}, "quantity") for value in (0, -1, True, 1.0, "1", 10**6, 10**18)],
    ],
)
def test_unsellable_order_is_refused_by_field(ada_api, stripe_api, order, field):
    response = ada_api.post("checkout/", order)
    assert (response.status_code, list(response.json())) == (400, [field])
    assert response.json()[field]
    assert stripe_api.requests == []


def test_fewer_seats_than_in_use_are_refused(ada_api, stripe_api, monkeypatch):
    monkeypatch.setitem(SEATS, "value", 7)
    response = ada_api.checkout("team", quantity=6)
    assert (response.status_code, list(response.json())) == (400, ["quantity"])
    assert "7 seats are in use" in response.json()["quantity"][0]
    assert ada_api.checkout("team").status_code == 200
    assert items(stripe_api) == [("price_team", "7")]


def test_every_change_of_the_order_replaces_the_page(ada_api, stripe_api):
    orders = [
        {"plan": "team"},
        {"plan": "team", "quantity": 3},
        {"plan": "team", "quantity": 3, "interval": "year"},
        {"plan": "team", "quantity": 3, "interval": "year", "add_ons": ["support"]},
        {"product": "book"},
        {"product": "book", "quantity": 2},
        {"plan": "team"},
    ]
    urls = [ada_api.post("checkout/", order).json()["url"] for order in orders]
    assert len({*urls}) == len(orders)
    [current] = open_sessions(stripe_api)
    assert current["url"] == urls[-1]
    assert ada_api.post("checkout/", {"plan": "team", "quantity": 2}).json()["url"] == urls[-1]  # the same, in full
    assert len(stripe_api.sessions) == len(orders)
    keys = [call.key for call in stripe_api.calls(SESSIONS)]
    assert len({*keys}) == len(keys)


def test_changed_terms_replace_the_page(ada_api, ada, stripe_api, settings):
    first = ada_api.checkout().json()["url"]
    get_user_model().objects.filter(pk=ada.pk).update(language="de")
    second = ada_api.checkout().json()["url"]
    settings.BILLING_CHECKOUT = settings.BILLING_CHECKOUT | {"promotion_codes": True}
    third = ada_api.checkout().json()["url"]
    assert len({first, second, third}) == 3
    assert len(open_sessions(stripe_api)) == 1


def test_page_of_an_older_version_is_replaced(ada_api, stripe_api):
    """Checkouts from before an upgrade don't say what they offer."""
    ada_api.checkout()
    Checkout.objects.update(parameters={})
    assert ada_api.checkout().status_code == 200
    assert [session["status"] for session in stripe_api.sessions.values()] == ["expired", "open"]


def test_lost_response_is_repeated_with_the_same_parameters(ada_api, stripe_api, settings):
    stripe_api.faults = ["ok", "timeout-after", "timeout-after", "timeout-after"]
    assert ada_api.checkout("team", quantity=4).status_code == 503
    stripe_api.faults = []
    assert ada_api.checkout("team", quantity=4).status_code == 200
    assert len(stripe_api.sessions) == 1
    assert ada_api.checkout("team", quantity=5).status_code == 200
    assert items(stripe_api) == [("price_team", "5")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"locale": "en"}),
        ({"promotion_codes": True}, {"locale": "en", "allow_promotion_codes": "true"}),
        (
            {"automatic_tax": True},
            {"locale": "en", "automatic_tax": {"enabled": "true"}, "customer_update": {"address": "auto"}},
        ),
        (
            {"tax_ids": True},
            {
                "locale": "en",
                "tax_id_collection": {"enabled": "true"},
                "customer_update": {"address": "auto", "name": "auto"},
            },
        ),
        (
            {"billing_address": "required"},
            {
                "locale": "en",
                "billing_address_collection": "required",
                "customer_update": {"address": "auto"},
            },
        ),
        ({"language": "auto"}, {"locale": "auto"}),
        ({"language": "fr-CA"}, {"locale": "fr-CA"}),
        ({"adjustable_quantity": True}, {"locale": "en"}),  # Pro has no seats
    ],
)
@pytest.mark.parametrize("order", [{"plan": "pro"}, {"product": "book"}])
def test_each_term_reaches_stripe_exactly(ada_api, stripe_api, settings, order, options, expected):
    settings.BILLING_CHECKOUT = settings.BILLING_CHECKOUT | options
    assert ada_api.post("checkout/", order).status_code == 200
    general = ("mode", "line_items", "customer", "client_reference_id", "metadata", "success_url", "cancel_url")
    by_order = ("subscription_data", "payment_intent_data")
    sent = {name: value for name, value in newest(stripe_api).items() if name not in (*general, *by_order)}
    assert sent == expected


def test_adjustable_quantity_has_the_bounds_of_the_plan(ada_api, stripe_api, settings, monkeypatch):
    settings.BILLING_CHECKOUT = settings.BILLING_CHECKOUT | {"adjustable_quantity": True}
    monkeypatch.setitem(SEATS, "value", 4)
    ada_api.checkout("team", quantity=5, add_ons=["backups"])
    seats, add_on = newest(stripe_api)["line_items"].values()
    assert seats["adjustable_quantity"] == {"enabled": "true", "minimum": "4", "maximum": "50"}
    assert "adjustable_quantity" not in add_on
    set_plan(settings, "team", seats={"minimum": 1})
    ada_api.checkout("team", quantity=5)
    assert newest(stripe_api)["line_items"]["0"]["adjustable_quantity"]["maximum"] == "999999"


def test_refused_terms_are_named_in_the_log(ada_api, stripe_api, caplog):
    stripe_api.own_prices["price_team_year"]["active"] = False
    assert ada_api.checkout("team", interval="year").json()["code"] == "stripe_refused"
    assert "price_team_year" in caplog.text
    assert "manage.py stripe_prices" in caplog.text
    assert not Checkout.objects.exclude(session_id="").exists()


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "de"),
        ("de-at", "de"),
        ("en-gb", "en-GB"),
        ("en-us", "en"),
        ("pt-br", "pt-BR"),
        ("pt_BR", "pt-BR"),
        ("pt-pt", "pt"),
        ("zh-hans", "zh"),
        ("zh-hant", "zh-TW"),
        ("zh-hk", "zh-HK"),
        ("es", "es"),
        ("es-es", "es"),
        ("es-mx", "es-419"),
        ("fr-ca", "fr-CA"),
        ("nn", "nb"),
        ("hi", "hi-IN"),
        ("ar", "auto"),
        ("tlh", "auto"),
        ("", "auto"),
    ],
)
def test_language_is_mapped_to_stripes(language, expected):
    assert checkout_locale(language) == expected
    assert expected == "auto" or expected in LOCALES.split()


def sale(session, event_type="checkout.session.completed", **values):
    """Return the event about a completed session of the stand-in."""
    names = ("id", "customer", "metadata")
    own = {name: session[name] for name in names} | {"mode": "payment", "subscription": None, "invoice": None}
    paid = {"payment_status": "paid", "amount_total": 3900, "currency": "usd", "payment_intent": "pi_book"}
    return changed(payload("checkout_session_completed_subscription"), event_type, **own, **(paid | values))


def test_product_is_bought_beside_a_subscription(ada_api, ada, stripe_api, queued_emails):
    post(payload("checkout_session_completed_subscription"))
    assert ada_api.checkout().json()["code"] == "already_subscribed"
    assert ada_api.post("checkout/", {"product": "book"}).status_code == 200
    session = [*stripe_api.sessions.values()][-1]
    assert session["success_url"].endswith("/billing?checkout=bought")
    for _ in range(2):
        post(sale(session))
    receipt = queued_emails()[f"receipt:{session['id']}"]
    assert "The book" in receipt.content["text"]
    payment = Payment.objects.get(stripe_id=session["id"])
    assert (payment.product, payment.description, payment.display_amount) == ("book", "The book", "$39.00")
    assert ada_api.get("payments/").json()["results"][0]["product"] == "book"


def test_free_product_is_bought_without_a_receipt(ada_api, stripe_api, queued_emails):
    ada_api.post("checkout/", {"product": "book"})
    [session] = stripe_api.sessions.values()
    post(sale(session, payment_status="no_payment_required", amount_total=0, payment_intent=None))
    assert Payment.objects.get().amount == 0
    assert queued_emails() == {}


def test_failed_sale_names_the_product(ada_api, stripe_api):
    ada_api.post("checkout/", {"product": "book"})
    [session] = stripe_api.sessions.values()
    post(sale(session, payment_status="unpaid"))
    post(sale(session, "checkout.session.async_payment_failed", payment_status="unpaid"))
    assert [(row.product, row.status) for row in Payment.objects.all()] == [("book", "failed")]


def test_foreign_session_buys_no_product(ada_api, stripe_api):
    ada_api.post("checkout/", {"product": "book"})
    [session] = stripe_api.sessions.values()
    foreign = {**session, "id": "cs_other", "metadata": {"product": "book", "user_id": "7"}}
    post(sale(foreign))
    assert not Payment.objects.filter(product="book").exists()


def test_completed_sale_is_recorded_before_its_event(ada_api, stripe_api):
    ada_api.post("checkout/", {"product": "book"})
    [session] = stripe_api.sessions.values()
    session |= {"status": "complete", "payment_status": "paid", "amount_total": 3900, "currency": "usd", "url": None}
    session |= {"payment_intent": "pi_book"}
    assert ada_api.post("checkout/", {"product": "book"}).status_code == 200
    assert Payment.objects.get().product == "book"
    assert len(stripe_api.sessions) == 2


def test_invoice_names_the_product(ada, stripe_api):
    invoice = payload("invoice_paid_first")
    line = invoice["data"]["object"]["lines"]["data"][0]
    line["pricing"]["price_details"]["price"] = "price_book"
    post(invoice)
    payment = Payment.objects.get()
    assert (payment.product, payment.description) == ("book", "The book")
