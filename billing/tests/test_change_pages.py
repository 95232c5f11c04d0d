"""The pages for changing, canceling, and keeping a plan: choose, see what it costs, confirm. And Stripe's own pages."""

import re

import pytest
from django.test import Client

from accounts.tests.support.browser import text_of
from billing.models import Subscription
from billing.tests.support.changes import bought, mine, subscribe
from billing.tests.support.stripe_events import GENERATIONS

MONTHLY_TEAM = {"offer": "team-month-1", "quantity": "5"}


@pytest.fixture
def pro(stripe, ada):
    return subscribe(stripe, ada, ("price_pro", 1))


@pytest.fixture
def browser(ada):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada)
    return browser


def fields(page):
    """Return the hidden fields of the form that confirms."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))


def send(browser, path, **values):
    """Open the page and send its form."""
    page = browser.get(path, values)
    return browser.post(path.replace("/confirm", "/make"), fields(page), follow=True)


def test_person_sees_the_costs_before_confirming(stripe, browser, pro):
    assert "Pro $29.00 per month" in text_of(browser.get("/billing")).replace("Active ", "")
    choose = text_of(browser.get("/billing/change"))
    assert "Team $19.00 per month · per seat" in choose
    assert "Later" not in choose
    page = browser.get("/billing/change/confirm", MONTHLY_TEAM)
    assert re.search(r"You pay \$44\.00 now\. From .+, you pay \$95\.00 per month\.", text_of(page))
    assert "Pay $44.00 and change" in text_of(page)
    assert bought(pro) == [("price_pro", 1)]
    done = browser.post("/billing/change/make", fields(page), follow=True)
    assert (done.redirect_chain, "Your plan has been changed." in text_of(done)) == ([("/billing", 303)], True)
    assert "5 × Team" in text_of(done)
    assert bought(pro) == [("price_team", 5)]


def test_paid_add_ons_and_seats_are_preselected(stripe, ada, browser):
    team = subscribe(stripe, ada, ("price_team", 5), ("price_backup", 1))
    page = browser.get("/billing/change").text
    assert re.search(r'name="add_ons" value="backup"[^>]* checked', page)
    assert re.search(r'name="quantity" value="5"', page)
    assert re.search(r'value="team-month-1" checked', page)
    chosen = {"offer": "team-month-1", "quantity": "6", "add_ons": "backup"}
    send(browser, "/billing/change/confirm", **chosen)
    assert bought(team) == [("price_team", 6), ("price_backup", 1)]


def test_scheduled_change_and_its_end(stripe, ada, browser):
    team = subscribe(stripe, ada, ("price_team", 5))
    page = browser.get("/billing/change/confirm", {"offer": "pro-month-1"})
    assert re.search(r"You keep Team until .+\. Your new plan starts then\. You pay nothing now\.", text_of(page))
    done = send(browser, "/billing/change/confirm", offer="pro-month-1")
    assert "Your change is scheduled for the end of the period." in text_of(done)
    assert re.search(r"Pro from [^$]+\$29\.00 per month", text_of(done))
    assert "the scheduled change isn't made" in text_of(browser.get("/billing/resume"))
    assert "You keep your plan." in text_of(send(browser, "/billing/resume"))
    assert team["schedule"] is None


def test_cancel_and_resume(stripe, browser, pro):
    assert "You keep Pro until" in text_of(browser.get("/billing/cancel"))
    assert pro["cancel_at_period_end"] is False
    done = text_of(send(browser, "/billing/cancel"))
    assert "Your plan has been canceled." in done
    assert "Keep my plan" in done
    assert "Cancel plan" not in done
    send(browser, "/billing/resume")
    assert pro["cancel_at_period_end"] is False


def test_free_plan_ends_the_paid_one(stripe, browser, pro):
    page = browser.get("/billing/change/confirm", {"offer": "free"})
    assert "Your paid plan ends on" in text_of(page)
    assert "canceled" in text_of(browser.post("/billing/change/make", fields(page), follow=True))
    assert pro["cancel_at_period_end"] is True


@pytest.mark.parametrize("values", [{}, {"offer": "gold"}, {"offer": "team-month-1", "quantity": "1"}, {"offer": ""}])
def test_wrong_choice_shows_the_form_again(stripe, browser, pro, values):
    page = browser.get("/billing/change/confirm", values)
    assert (page.status_code, "Please check the following" in text_of(page)) == (400, True)


@pytest.mark.parametrize(
    ("card", "sentence"), [("declined", "Your payment was declined"), ("confirm", "Your bank wants you to confirm")]
)
def test_declined_payment_leads_back_with_the_reason(stripe, browser, pro, card, sentence):
    stripe.card = card
    done = send(browser, "/billing/change/confirm", **MONTHLY_TEAM)
    assert sentence in text_of(done)
    assert "Update your card" in text_of(done)


def test_outdated_page_leads_to_the_choice(stripe, browser, pro):
    page = browser.get("/billing/change/confirm", MONTHLY_TEAM)
    stripe.tax_percent = 19
    done = browser.post("/billing/change/make", fields(page), follow=True)
    assert (done.redirect_chain, "out of date" in text_of(done)) == ([("/billing/change", 303)], True)
    assert bought(pro) == [("price_pro", 1)]


def test_change_in_progress_is_shown(stripe, browser, pro):
    page = browser.get("/billing/change/confirm", MONTHLY_TEAM)
    stripe.faults = ["ok"] * 4 + ["timeout-after"] * 3
    done = text_of(browser.post("/billing/change/make", fields(page), follow=True))
    stripe.faults = []
    assert "Your change is being processed" in done
    assert "Change plan" not in done


@pytest.mark.parametrize("path", ["/billing/change", "/billing/cancel", "/billing/resume"])
def test_pages_need_a_token_a_login_and_a_subscription(stripe, ada, browser, path):
    assert browser.post(path.replace("change", "change/make")).status_code == 403
    assert Client().get(path).status_code == 302
    assert "You don't have a subscription yet." in text_of(browser.get(path, follow=True))


def test_german_pages_name_amounts_in_german(stripe, ada, browser, pro):
    ada.language = "de"
    ada.save()
    page = text_of(browser.get("/billing/change/confirm", MONTHLY_TEAM))
    assert "Sie zahlen jetzt 44,00 $." in page
    assert "95,00 $ pro Monat" in page


# Stripe's own pages


@pytest.mark.parametrize("flow", ["payment_method_update", "subscription_cancel", "subscription_update"])
def test_portal_opens_one_page_directly(stripe, ada, ada_api, pro, flow):
    client = Client()
    client.force_login(ada)
    assert ada_api.post("portal/", {"flow": flow}).status_code == 200
    page = client.post("/billing/portal", {"flow": flow})
    assert page.headers["Location"].startswith("https://billing.stripe.com/")
    for request in stripe.calls("/v1/billing_portal/sessions"):
        assert request.parameters["customer"] == pro["customer"]


def test_portal_refuses_unknown_pages_and_people_without_a_subscription(stripe, ada, ada_api, pro):
    assert list(ada_api.post("portal/", {"flow": "subscription_gift"}).json()) == ["flow"]
    Subscription.objects.update(status="canceled")
    assert ada_api.post("portal/", {"flow": "subscription_update"}).json()["code"] == "nothing_bought"
    assert ada_api.post("portal/", {"flow": "payment_method_update"}).status_code == 200


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("way", ["here", "portal"])
def test_both_ways_lead_to_the_same_rows(stripe, ada_api, pro, settings, generation, way):
    """The portal's changes are known only from their events, and ours from both."""
    team = {"0": {"id": pro["items"]["data"][0]["id"], "price": "price_team", "quantity": "5"}}
    if way == "here":
        token = ada_api.post("subscription/preview/", {"plan": "team", "quantity": 5}).json()["token"]
        ada_api.post("subscription/change/", {"plan": "team", "quantity": 5, "token": token})
        ada_api.post("subscription/cancel/")
    else:
        settings.STRIPE_SECRET_KEY = ""
        now = str(pro["items"]["data"][0]["current_period_start"] + 864_000)
        always = {"proration_behavior": "always_invoice", "proration_date": now}
        stripe.update_subscription({"items": team, **always}, pro["id"])
        stripe.events[-1]["created"] += 1
        stripe.update_subscription({"cancel_at_period_end": "true"}, pro["id"])
        stripe.events[-1]["created"] += 2
    assert set(stripe.deliver(generation)) == {200}
    row, data = Subscription.objects.get(), mine(ada_api)
    assert (row.price_id, row.quantity, row.status, row.recurring_amount) == ("price_team", 5, "active", 9500)
    assert (data["plan"]["slug"], data["cancel_at"]) == ("team", data["current_period_end"])
    assert [payment["amount"] for payment in ada_api.get("payments/").json()["results"]] == [4400]


def test_without_a_key_the_page_says_that_payments_are_not_set_up(browser, pro, settings):
    settings.STRIPE_SECRET_KEY = ""
    assert "Payments aren't set up yet." in text_of(browser.get("/billing/change", follow=True))
