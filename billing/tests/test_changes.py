"""Changing plan, interval, seats, and add-ons: what the preview shows is what is charged."""

import pytest

from billing.models import Payment, SubscriptionChange
from billing.tests.support.changes import bought, change, confirm, mine, preview, subscribe


@pytest.fixture
def pro(stripe, ada):
    return subscribe(stripe, ada, ("price_pro", 1))


def paid(stripe):
    return [invoice["amount_paid"] for invoice in stripe.issued]


def test_preview_shows_charge_and_changes_nothing(stripe, ada_api, pro):
    response = preview(ada_api, quantity=5)
    data = response.json()
    assert (response.status_code, data["effective"], data["effective_at"]) == (200, "now", None)
    assert sum(line["amount"] for line in data["lines"]) == data["amount_due"] == 4400
    assert [line["is_proration"] for line in data["lines"]] == [True, True]
    assert (data["display_amount"], data["currency"], data["quantity"]) == ("$44.00", "usd", 5)
    assert data["next_charge"] == {
        "at": mine(ada_api)["current_period_end"],
        "amount": 9500,
        "display_amount": "$95.00",
    }
    assert (bought(pro), stripe.issued, SubscriptionChange.objects.count()) == ([("price_pro", 1)], [], 0)


def test_upgrade_is_charged_as_shown_and_known_immediately(stripe, ada_api, pro):
    shown = preview(ada_api, quantity=5).json()
    response = confirm(ada_api, shown["token"], quantity=5)
    assert (response.status_code, response.json()["plan"]["slug"], response.json()["quantity"]) == (200, "team", 5)
    assert (bought(pro), paid(stripe)) == ([("price_team", 5)], [shown["amount_due"]])
    assert response.json()["display_amount"] == "$95.00"


def test_receipt_names_the_new_plan(stripe, ada_api, pro, queued_emails):
    change(ada_api, quantity=5)
    assert set(stripe.deliver()) == {200}
    assert Payment.objects.get().description == "Team"
    assert [email.kind for email in queued_emails().values()] == ["receipt"]


def test_longer_interval_starts_now_and_credits_the_rest(stripe, ada_api, pro):
    data = preview(ada_api, "pro", interval="year").json()
    assert (data["effective"], data["amount_due"]) == ("now", 29000 - 1933)
    assert data["next_charge"]["amount"] == 29000
    assert change(ada_api, "pro", interval="year").status_code == 200
    assert bought(pro) == [("price_pro_year", 1)]


def test_more_seats_are_charged_for_the_rest_of_the_period(stripe, ada, ada_api):
    team = subscribe(stripe, ada, ("price_team", 2))
    assert change(ada_api, quantity=3).status_code == 200
    assert (bought(team), paid(stripe)) == ([("price_team", 3)], [1267])


def test_add_ons_come_and_go(stripe, ada_api, pro):
    assert change(ada_api, "pro", add_ons=["backup"]).status_code == 200
    assert bought(pro) == [("price_pro", 1), ("price_backup", 1)]
    assert mine(ada_api)["amount"] == 3400
    later = preview(ada_api, "pro", add_ons=[]).json()
    assert (later["effective"], later["next_charge"]["amount"]) == ("period_end", 2900)
    assert preview(ada_api, "pro", interval="year").json() == {
        "add_ons": ["At least one of these add-ons isn't available for this plan and interval."]
    }


def test_former_price_is_kept_while_plan_and_interval_stay(stripe, ada, ada_api):
    old = subscribe(stripe, ada, ("price_pro_2020", 1))
    assert preview(ada_api, "pro").json()["code"] == "nothing_to_change"
    change(ada_api, "pro", add_ons=["backup"])
    assert bought(old) == [("price_pro_2020", 1), ("price_backup", 1)]


def test_change_during_trial_is_immediate_and_free(stripe, ada, ada_api):
    end = 2_000_000_000
    trial = subscribe(stripe, ada, ("price_team", 5), status="trialing", trial_end=end)
    data = preview(ada_api, "pro").json()
    assert (data["effective"], data["amount_due"], data["next_charge"]["amount"]) == ("now", 0, 2900)
    assert data["next_charge"]["at"].startswith("2033-05-18")
    change(ada_api, "pro")
    assert (bought(trial), stripe.issued) == ([("price_pro", 1)], [])


def test_taxes_and_balance_add_up_in_the_preview(stripe, ada_api, pro):
    stripe.tax_percent = 19
    stripe.customers[pro["customer"]]["balance"] = -1000
    data = preview(ada_api, quantity=5).json()
    rows = {row["name"]: row["amount"] for row in data["adjustments"]}
    assert rows == {"tax": 836, "balance": -1000}
    assert sum(line["amount"] for line in data["lines"]) + sum(rows.values()) == data["amount_due"] == 4236


@pytest.mark.parametrize("values", [{"discounts": ["di_1"]}, {"automatic_tax": {"enabled": True}}])
def test_next_charge_is_left_out_if_uncertain(stripe, ada, ada_api, values):
    subscribe(stripe, ada, ("price_pro", 1), **values)
    assert preview(ada_api, quantity=5).json()["next_charge"]["display_amount"] == ""


def test_price_in_the_currency_of_the_subscription_is_used(stripe, ada, ada_api, settings):
    stripe.catalog["price_team"]["currency_options"] = {"eur": {"unit_amount": 1700}}
    stripe.add_price("price_pro", 2700, currency="eur")
    subscribe(stripe, ada, ("price_pro", 1))
    data = preview(ada_api, quantity=2).json()
    assert (data["currency"], data["next_charge"]["display_amount"]) == ("eur", "€34.00")


def test_setting_makes_downgrades_immediate(stripe, ada, ada_api, settings):
    settings.BILLING_DOWNGRADES = "now"
    team = subscribe(stripe, ada, ("price_team", 5))
    data = preview(ada_api, "pro").json()
    assert (data["effective"], data["amount_due"]) == ("now", 0)
    assert {row["name"] for row in data["adjustments"]} == {"balance"}
    assert change(ada_api, "pro").status_code == 200
    assert bought(team) == [("price_pro", 1)]
