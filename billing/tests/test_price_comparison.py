"""The prices at Stripe, compared with settings/plans.py: each mistake is named with its plan and ID."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing.tasks import compare_prices
from billing.tests.support.offers import sell_everything

COUNT = 10


@pytest.fixture(autouse=True)
def offers(settings, stripe_api):
    sell_everything(settings, stripe_api)


def run():
    """Return what the command prints, and its last words."""
    out, errors = StringIO(), StringIO()
    try:
        call_command("stripe_prices", stdout=out, stderr=errors, no_color=True)
    except CommandError as error:
        return errors.getvalue().splitlines(), str(error)
    return [], out.getvalue().strip()


def test_matching_prices_are_counted(stripe_api):
    assert run() == ([], f"All {COUNT} prices are as settings/plans.py says.")
    assert {request.method for request in stripe_api.requests} == {"GET"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"active": False}, "it is archived at Stripe"),
        ({"product": {"id": "prod_1", "active": False}}, "its product is archived"),
        ({"currency": "eur"}, "says usd, but the currency at Stripe is eur"),
        ({"unit_amount": 19001}, "says $190.00, but the amount at Stripe is $190.01"),
        ({"unit_amount": None}, "no whole amount"),
        ({"unit_amount": None, "billing_scheme": "tiered"}, "in tiers"),
        ({"recurring": None, "type": "one_time"}, "says every year, but Stripe charges it once"),
        ({"recurring": {"interval": "month", "interval_count": 1}}, "but Stripe charges it every month"),
        ({"recurring": {"interval": "year", "interval_count": 2}}, "but Stripe charges it every 2 years"),
        ({"recurring": {"interval": "year", "interval_count": 1, "usage_type": "metered"}}, "by usage"),
    ],
)
def test_each_difference_is_named(stripe_api, change, expected):
    stripe_api.own_prices["price_team_year"] |= change
    [problem], summary = run()
    assert problem.startswith("Team, $190.00 every year (price_team_year): ")
    assert expected in problem
    assert summary == "1 problem(s) found."


def test_unknown_and_placeholder_ids_are_named_one_by_one(stripe_api, settings):
    settings.BILLING_PLANS = [
        plan | {"former_price_ids": ["price_gone"]} if plan["slug"] == "pro" else plan
        for plan in settings.BILLING_PLANS
    ]
    book = {"slug": "book", "name": "Book", "price_id": "price_change_me", "amount": 1, "currency": "usd"}
    settings.BILLING_PRODUCTS = [book]
    del stripe_api.own_prices["price_backups"]
    problems, summary = run()
    assert [problem.partition(": ")[0] for problem in problems] == [
        "Pro, former price price_gone",
        "Backups, $5.00 every month (price_backups)",
        "Book, $0.01 once (price_change_me)",
    ]
    assert summary == "3 problem(s) found."


@pytest.mark.parametrize(("fault", "expected"), [("503", "reach Stripe"), ("401", "went wrong"), ("403", "went wrong")])
def test_unanswered_question_is_no_difference(stripe_api, caplog, fault, expected):
    stripe_api.faults = [fault] * 3
    problems, message = run()
    assert problems == []
    assert expected in message
    stripe_api.faults = [fault] * 3
    compare_prices()
    assert "couldn't be compared with Stripe" in caplog.text


def test_daily_task_logs_each_problem(stripe_api, caplog):
    stripe_api.own_prices["price_book"]["active"] = False
    compare_prices()
    [record] = [record for record in caplog.records if record.name == "billing.services.price_comparison"]
    assert record.levelname == "ERROR"
    assert "The book, $39.00 once (price_book)" in record.getMessage()


def test_nothing_is_asked_without_a_key(stripe_api, settings):
    settings.STRIPE_SECRET_KEY = ""
    compare_prices()
    assert run()[1].startswith("Stripe couldn't be asked.")
    assert stripe_api.requests == []
