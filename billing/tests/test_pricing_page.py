"""The page /pricing, and the plans on /billing, used like a browser without scripts."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.models import User
from accounts.tests.support.browser import text_of
from billing.models import Customer, Subscription
from billing.tests.support.offers import PRO, sell_everything

QUARTER = "/pricing?interval=month&interval_count=3"


@pytest.fixture
def shop(settings, stripe_api):
    sell_everything(settings, stripe_api)
    return stripe_api


@pytest.fixture
def browser(ada):
    client = Client()
    client.force_login(ada)
    return client


def set_plan(settings, slug, **values):
    settings.BILLING_PLANS = [plan | values if plan["slug"] == slug else plan for plan in settings.BILLING_PLANS]


def test_visitor_sees_what_is_for_sale(client, db, shop, settings):
    set_plan(settings, "pro", features=["Any number of projects"], description="For one person.", is_highlighted=True)
    response = client.get("/pricing/")
    text = text_of(response)
    assert "Free Free" in text
    assert "Pro Recommended For one person. $29.00 per month Any number of projects" in text
    assert "Team $19.00 per person, per month For 2 to 50 people." in text
    assert "The book $39.00" in text
    assert "Monthly Quarterly Yearly" in text
    assert 'href="/signup?next=%2Fbilling%3Fplan%3Dpro%26interval%3Dmonth"' in response.text
    assert "<form" not in response.text.partition("<main")[2].partition("</main>")[0]


def test_switch_shows_other_prices_and_the_saving(client, db, shop):
    text = text_of(client.get("/pricing?interval=year"))
    assert "$290.00 per year You save 16%." in text  # 290 instead of 348
    assert "$190.00 per person, per year You save 16%." in text
    assert "€9.00 per month" in text  # it has no price by the year
    assert "$81.00 every 3 months You save 6%." in text_of(client.get(QUARTER))
    assert "You save" not in text_of(client.get("/pricing"))


@pytest.mark.parametrize(
    "query", ["interval=x", "interval=month&interval_count=2", "interval=%00", "plan=" + "x" * 999]
)
def test_unknown_choice_shows_the_first_interval(client, db, shop, query):
    assert "$29.00 per month" in text_of(client.get(f"/pricing?{query}"))


def test_visitors_find_the_page_in_the_navigation(client, browser, shop):
    assert 'href="/pricing"' in header(client.get("/"))
    assert 'href="/pricing"' not in header(browser.get("/dashboard"))


def header(response: Any) -> str:
    html: str = response.content.decode()
    return html.partition("</header>")[0]


def test_sign_up_leads_on_to_the_chosen_plan(client, db, shop, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    page = client.get("/pricing?interval=year").text
    link = page.partition('href="/signup?next=')[2].partition('"')[0]
    assert link == "%2Fbilling"  # the free plan comes first
    target = "/billing?plan=team&interval=year"
    data = {"name": "Ada", "email": "ada@example.com", "password": "correct horse battery"}
    assert client.post("/signup", {**data, "next": target})["Location"] == "/welcome"
    token = mail.outbox[-1].body.partition("token=")[2].split()[0]
    response = client.post("/verify-email", {"token": token, "password": data["password"]})
    assert response["Location"] == target
    text = text_of(client.get(target))
    assert "You chose Team. Continue below to check out." in text
    assert client.get("/login")["Location"] == "/dashboard"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_sign_up_leads_to_no_other_site(client, db, target):
    data = {"name": "Ada", "email": "ada@example.com", "password": "correct horse battery", "next": target}
    response = client.post("/signup", data)
    assert response["Location"] == "/welcome"
    assert "next_page" not in response.cookies


def test_button_leads_to_checkout_with_the_whole_order(browser, shop):
    page = browser.get("/billing?interval=year&plan=team")
    assert "You chose Team." in text_of(page)
    assert 'name="quantity"' in page.text
    assert 'value="support"' in page.text
    order = {"plan": "team", "interval": "year", "interval_count": "1", "quantity": "4", "add_ons": ["support"]}
    response = browser.post("/billing/checkout", order)
    [session] = shop.sessions.values()
    assert (response.status_code, response["Location"]) == (303, session["url"])
    items = session["parameters"]["line_items"].values()
    assert [(item["price"], item["quantity"]) for item in items] == [("price_team_year", "4"), ("price_support", "1")]
    browser.post("/billing/checkout", {"product": "book"})
    assert [*shop.sessions.values()][-1]["prices"] == ["price_book"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"plan": "team", "quantity": "1"}, "Choose 2 to 50 seats."),
        ({"plan": "team", "quantity": "0"}, "Enter a whole number from 1 to 999999."),
        ({"plan": "team", "quantity": "2.5"}, "Enter a whole number"),
        ({"plan": "team", "quantity": "-3"}, "Enter a whole number"),
        ({"plan": "team", "quantity": "9" * 99}, "Enter a whole number"),
        ({"plan": "team", "quantity": "²"}, "Enter a whole number"),
        ({"plan": "pro", "interval": "week"}, "isn't available for this interval"),
        ({"plan": "pro", "interval": "month", "interval_count": "x"}, "Enter a whole number"),
        ({"plan": "pro", "add_ons": ["x", "\0"]}, "add-ons isn't available"),
        ({"plan": "pro\0"}, "Null characters are not allowed."),
        ({"product": "pen"}, "There's no such product. Choose one of these: book."),
        ({}, "There's no such plan."),
    ],
)
def test_faulty_order_is_explained(browser, shop, order, expected):
    response = browser.post("/billing/checkout", order, follow=True)
    assert response.redirect_chain == [("/billing", 303)]
    assert expected in text_of(response)
    assert shop.requests == []


def test_empty_quantity_means_as_few_as_possible(browser, shop):
    browser.post("/billing/checkout", {"plan": "team", "interval": "month", "quantity": ""})
    [session] = shop.sessions.values()
    assert session["parameters"]["line_items"]["0"]["quantity"] == "2"


def test_trial_is_offered_until_it_is_used(client, browser, ada, shop, settings):
    set_plan(settings, "pro", trial_days=14, trial_requires_card=False)
    for person in (client, browser):
        text = text_of(person.get("/pricing"))
        assert "14 days free. No card needed." in text
        assert "Start free trial" in text
    customer = Customer.objects.create(pk="cus_1", user=ada)
    Subscription.objects.create(pk="sub_1", status="canceled", customer=customer, trial_end="2026-01-01T00:00Z")
    for path in ("/pricing", "/billing"):
        text = text_of(browser.get(path))
        assert "14 days free" not in text
        assert "Choose Pro" in text


def test_current_plan_is_marked(browser, ada, shop):
    assert "Free Your plan" in text_of(browser.get("/pricing"))
    assert "Your plan Free" in text_of(browser.get("/billing"))
    customer = Customer.objects.create(pk="cus_1", user=ada)
    Subscription.objects.create(pk="sub_1", status="active", customer=customer, price_id=PRO)
    response = browser.get("/pricing")
    assert "Pro Your plan" in text_of(response)
    assert "Choose" not in text_of(response)
    assert "Change plan" in text_of(response)
    billing = text_of(browser.get("/billing"))
    assert "Choose Team" not in billing
    assert "Buy The book" in billing


def test_development_names_what_is_missing_before_the_click(client, browser, db, settings):
    sell_everything(settings)
    settings.DEBUG = True
    for person, path in ((client, "/pricing"), (browser, "/pricing"), (browser, "/billing")):
        response = person.get(path)
        assert "Set STRIPE_SECRET_KEY in .env." in text_of(response)
        assert "Choose Pro" not in text_of(response)
        assert "Buy The book" not in text_of(response)
    assert "Start for free" in text_of(client.get("/pricing"))


def test_placeholder_is_named_and_hides_only_its_own_button(client, db, shop, settings):
    set_plan(settings, "pro", prices=[settings.BILLING_PLANS[1]["prices"][0] | {"id": "price_change_me"}])
    settings.DEBUG = True
    text = text_of(client.get("/pricing"))
    assert "Put your price IDs into settings/plans.py: Pro." in text
    assert "Choose Pro" not in text
    assert "Choose Team" in text


def test_production_shows_no_advice_for_developers(client, db, settings):
    sell_everything(settings)
    text = text_of(client.get("/pricing"))
    assert "STRIPE" not in text
    assert "Choose Pro" not in text


def test_page_is_available_in_german(client, browser, ada, shop):
    text = text_of(client.get("/pricing?interval=year", headers={"Accept-Language": "de"}))
    assert "290,00 $ pro Jahr Sie sparen 16 %." in text
    assert "190,00 $ pro Person, pro Jahr" in text
    assert "Pro wählen" in text


def test_page_costs_few_queries(client, browser, ada, shop, settings, django_assert_max_num_queries):
    set_plan(settings, "pro", trial_days=14)
    with django_assert_max_num_queries(0):
        client.get("/pricing")
    with django_assert_max_num_queries(10):
        browser.get("/pricing")


def test_tax_is_mentioned_only_if_it_is_added(client, db, shop, settings):
    assert "Tax may be added" not in text_of(client.get("/pricing"))
    settings.BILLING_CHECKOUT = settings.BILLING_CHECKOUT | {"automatic_tax": True}
    assert "Tax may be added" in text_of(client.get("/pricing"))


def test_shop_without_plans_is_no_error(client, browser, db, settings):
    settings.BILLING_PLANS = []
    for person, path in ((client, "/pricing"), (browser, "/billing")):
        assert person.get(path).status_code == 200
    assert User.objects.count() == 1
