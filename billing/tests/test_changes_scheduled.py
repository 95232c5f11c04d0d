"""Cheaper plans and shorter intervals wait for the end of the period, whoever scheduled them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.tests.support.browser import text_of
from billing.models import Subscription
from billing.services.reconciliation import refresh_subscriptions
from billing.tests.support.changes import bought, change, mine, preview, subscribe
from billing.tests.support.stripe_events import GENERATIONS

DAY = 86_400


@pytest.fixture
def team(stripe, ada):
    return subscribe(stripe, ada, ("price_team", 5))


def page_of(user):
    client = Client()
    client.force_login(user)
    return text_of(client.get("/billing"))


def test_cheaper_plan_waits_for_the_end_of_the_period(stripe, ada, ada_api, team):
    shown = preview(ada_api, "pro").json()
    end = mine(ada_api)["current_period_end"]
    assert (shown["effective"], shown["effective_at"]) == ("period_end", end)
    assert (shown["amount_due"], shown["lines"]) == (0, [])
    assert shown["next_charge"] == {"at": end, "amount": 2900, "display_amount": "$29.00"}
    data = change(ada_api, "pro").json()
    assert data["plan"]["slug"] == "team"
    assert data["scheduled_change"] == {
        "at": end,
        "plan": {"slug": "pro", "name": "Pro"},
        "quantity": 1,
        "interval": "month",
        "interval_count": 1,
        "amount": 2900,
        "currency": "usd",
        "display_amount": "$29.00",
    }
    assert (data["amount"], data["can_resume"], bought(team), stripe.issued) == (
        None,
        True,
        [("price_team", 5)],
        [],
    )
    assert "Pro from" in page_of(ada)
    assert "$29.00" in page_of(ada)


@pytest.mark.parametrize(
    ("start", "target", "effective"),
    [
        (("price_team_year", 2), {"plan": "team", "interval": "month", "quantity": 50}, "period_end"),
        (("price_team_year", 5), {"plan": "pro"}, "period_end"),
        (("price_team", 5), {"plan": "pro", "interval": "year"}, "period_end"),
        (("price_team", 5), {"plan": "team", "quantity": 4}, "period_end"),
        (("price_pro", 1), {"plan": "pro", "interval": "year"}, "now"),
        (("price_pro", 1), {"plan": "team", "quantity": 2, "interval": "year"}, "now"),
        (("price_pro_year", 1), {"plan": "team", "quantity": 2}, "now"),
    ],
)
def test_amounts_are_compared_for_each_day_and_at_the_same_interval(stripe, ada, ada_api, start, target, effective):
    subscribe(stripe, ada, start)
    assert preview(ada_api, **target).json()["effective"] == effective


def test_resume_undoes_the_scheduled_change(stripe, ada_api, team):
    change(ada_api, "pro")
    data = ada_api.post("subscription/resume/").json()
    assert (data["scheduled_change"], data["amount"], data["can_resume"]) == (None, 9500, False)
    assert (team["schedule"], [row["status"] for row in stripe.schedules.values()]) == (None, ["released"])
    assert ada_api.post("subscription/resume/").status_code == 200
    stripe.deliver()
    assert mine(ada_api)["scheduled_change"] is None


def test_another_downgrade_replaces_the_scheduled_one(stripe, ada_api, team):
    change(ada_api, "pro")
    assert preview(ada_api, "pro").json()["code"] == "already_scheduled"
    assert preview(ada_api, "team").json()["code"] == "nothing_to_change"
    data = change(ada_api, "team", quantity=2).json()["scheduled_change"]
    assert (data["plan"]["slug"], data["quantity"], data["display_amount"]) == ("team", 2, "$38.00")
    assert len(stripe.schedules) == 1


def test_upgrade_ends_the_scheduled_downgrade(stripe, ada_api, team):
    change(ada_api, "pro")
    data = change(ada_api, "team", quantity=9).json()
    assert (data["quantity"], data["scheduled_change"], team["schedule"]) == (9, None, None)


def test_declined_upgrade_keeps_the_scheduled_downgrade(stripe, ada_api, team):
    change(ada_api, "pro")
    stripe.card = "declined"
    assert change(ada_api, "team", quantity=9).json()["code"] == "payment_declined"
    assert mine(ada_api)["scheduled_change"]["plan"]["slug"] == "pro"


def test_cancellation_ends_the_scheduled_change(stripe, ada_api, team):
    change(ada_api, "pro")
    data = ada_api.post("subscription/cancel/").json()
    assert (data["scheduled_change"], data["cancel_at"]) == (None, data["current_period_end"])


def test_discounts_of_the_current_phase_are_kept(stripe, ada, ada_api):
    subscribe(stripe, ada, ("price_team", 5), discounts=["di_1"])
    change(ada_api, "pro")
    [schedule] = stripe.schedules.values()
    assert [phase["discounts"] for phase in schedule["phases"]] == [[{"discount": "di_1"}]] * 2
    assert mine(ada_api)["scheduled_change"]["display_amount"] == ""


# Schedules that somebody made in Stripe's Dashboard, as events report them


def dashboard(stripe, team, price="price_pro", quantity=1, **values):
    """Schedule another price as the Dashboard does, and return the start of the new phase."""
    schedule = stripe.create_schedule({"from_subscription": team["id"]})
    phase = schedule["phases"][0]
    items = [{"price": price, "quantity": quantity}]
    following = {**phase, "start_date": phase["end_date"], "end_date": phase["end_date"] + 30 * DAY, "items": items}
    schedule = stripe.schedules[schedule["id"]]
    schedule |= {"phases": [phase, following], **values}
    stripe.emit("subscription_schedule.updated", schedule)
    return datetime.fromtimestamp(phase["end_date"], UTC)


@pytest.mark.parametrize("order", [list, lambda events: events[::-1]], ids=["in order", "reversed"])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_schedule_from_the_dashboard_is_shown(stripe, ada, ada_api, team, settings, generation, order):
    settings.STRIPE_SECRET_KEY = ""
    at = dashboard(stripe, team)
    assert set(stripe.deliver(generation, order)) == {200}
    data = mine(ada_api)
    scheduled = data["scheduled_change"]
    assert (datetime.fromisoformat(scheduled["at"]), scheduled["plan"]["slug"]) == (at, "pro")
    assert (scheduled["display_amount"], data["amount"], data["can_resume"]) == ("", None, False)
    assert "Pro from" in page_of(ada)


def test_price_of_a_dashboard_schedule_is_asked_for(stripe, ada_api, team):
    dashboard(stripe, team)
    stripe.deliver()
    assert mine(ada_api)["scheduled_change"]["display_amount"] == ""
    assert refresh_subscriptions() == 1
    assert mine(ada_api)["scheduled_change"]["display_amount"] == "$29.00"
    assert ada_api.post("subscription/resume/").json()["scheduled_change"] is None


def test_change_that_has_passed_is_not_shown(stripe, ada_api, team, settings):
    settings.STRIPE_SECRET_KEY = ""
    dashboard(stripe, team)
    stripe.deliver()
    row = Subscription.objects.get()
    passed = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    row.next_phase = {"schedule": row.schedule_id, "phase": {**(row.known_phase or {}), "at": passed}}
    row.save()
    assert mine(ada_api)["scheduled_change"] is None
    assert mine(ada_api)["amount"] is None


def test_last_phase_shows_the_sum_again(stripe, ada_api, team, settings):
    settings.STRIPE_SECRET_KEY = ""
    dashboard(stripe, team)
    [schedule] = stripe.schedules.values()
    last = schedule["phases"][1]
    schedule["current_phase"] = {name: last[name] for name in ("start_date", "end_date")}
    stripe.emit("subscription_schedule.updated", schedule, seconds=1)
    stripe.deliver()
    assert mine(ada_api)["amount"] == 9500


def test_phase_with_the_same_price_is_no_change_of_plan(stripe, ada_api, team, settings):
    settings.STRIPE_SECRET_KEY = ""
    dashboard(stripe, team, "price_team", 5)
    stripe.deliver()
    assert (mine(ada_api)["scheduled_change"], mine(ada_api)["amount"]) == (None, None)
