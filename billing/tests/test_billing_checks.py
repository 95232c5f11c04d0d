"""System checks: each reports its mistake under its ID, and a correct configuration is quiet."""

from importlib import import_module

import pytest
from django.core import checks
from django.utils.translation import gettext_lazy, ngettext_lazy

KEY = "sk_test_51StandInSecretKey"


@pytest.fixture
def find_problems():
    def find_problems(*, deploy: bool = False) -> list[str]:
        messages = checks.run_checks(include_deployment_checks=deploy, tags=["billing"])
        assert all(message.hint for message in messages)
        assert KEY not in str(messages)
        return [f"{message.id} {message.msg}" for message in messages]

    return find_problems


def ids(messages):
    return [message.split()[0] for message in messages]


@pytest.mark.parametrize("key", ["", KEY, "sk_live_1", "rk_live_1", "rk_test_1"])
def test_correct_configuration_raises_no_check(find_problems, settings, key):
    settings.STRIPE_SECRET_KEY = key
    settings.STRIPE_LIVEMODE = "_live_" in key if key else None
    assert find_problems(deploy=True) == []


def test_empty_webhook_secret_is_reported(find_problems, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_1", " "]
    assert ids(find_problems()) == ["billing.E001"]


@pytest.mark.parametrize("key", ["pk_test_1", "whsec_1", "sk_test_", "sk_1", "key", "sk_test_1 ", "sk_test_1\n"])
def test_invalid_api_key_is_reported(find_problems, settings, key):
    settings.STRIPE_SECRET_KEY = key
    assert ids(find_problems()) == ["billing.E002"]


@pytest.mark.parametrize(("key", "livemode"), [(KEY, True), ("sk_live_1", False)])
def test_key_of_the_other_mode_is_reported(find_problems, settings, key, livemode):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_LIVEMODE = key, livemode
    assert ids(find_problems()) == ["billing.E004"]


PRO = {"slug": "pro", "name": "Pro", "price_id": "price_1", "amount": 2900, "currency": "usd", "interval": "month"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", ""),
        ("slug", "Pro Plan"),
        ("slug", None),
        ("name", " "),
        ("price_id", ""),
        ("amount", "29.00"),
        ("amount", 29.0),
        ("amount", -1),
        ("amount", True),
        ("currency", "USD"),
        ("currency", "dollar"),
        ("interval", "monthly"),
        ("description", None),
        ("former_price_ids", "price_0"),
        ("former_price_ids", [1]),
        ("color", "red"),
    ],
)
def test_invalid_plan_field_is_named(find_problems, settings, field, value):
    settings.BILLING_PLANS = [PRO | {field: value}]
    [message] = find_problems()
    assert message.startswith("billing.E003 Plan 1")
    assert repr(field) in message


@pytest.mark.parametrize("field", PRO)
def test_missing_plan_field_is_named(find_problems, settings, field):
    settings.BILLING_PLANS = [{name: value for name, value in PRO.items() if name != field}]
    assert find_problems() == [f"billing.E003 Plan 1 is missing {field!r}."]


@pytest.mark.parametrize("plans", [None, "pro", {"pro": PRO}, ["pro"], [None]])
def test_invalid_plan_list_is_reported(find_problems, settings, plans):
    settings.BILLING_PLANS = plans
    assert ids(find_problems()) == ["billing.E003"]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"price_id": "price_2"}, "The slug 'pro' is used by 2 plans."),
        ({"slug": "team"}, "The price 'price_1' is used by 2 plans."),
        ({"slug": "team", "price_id": "price_2", "former_price_ids": ["price_1"]}, "The price 'price_1'"),
    ],
)
def test_duplicate_slug_or_price_is_reported(find_problems, settings, second, expected):
    settings.BILLING_PLANS = [PRO, PRO | second]
    [message] = find_problems()
    assert expected in message


def test_placeholder_price_warns_and_fails_deployment(find_problems, settings):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_LIVEMODE = KEY, False
    settings.BILLING_PLANS = [PRO | {"price_id": "price_change_me"}]
    assert ids(find_problems()) == ["billing.W001"]
    assert sorted(ids(find_problems(deploy=True))) == ["billing.E005", "billing.W001"]
    settings.STRIPE_SECRET_KEY = ""
    assert find_problems(deploy=True) == []


def offer(**values):
    return {"slug": "extra", "name": "Extra", "price_id": "price_9", "amount": 500, "currency": "usd", **values}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price_id", "prod_1"),
        ("price_id", "price_1 "),
        ("price_id", "p" * 256),
        ("price_id", 1),
        ("name", "x" * 251),
        ("name", gettext_lazy("Pro")),
        ("amount", 10**12),
        ("currency", "xyz"),
        ("currency", ["usd"]),
        ("interval", ["month"]),
        ("interval_count", 0),
        ("interval_count", True),
        ("interval_count", 10**9),
        ("features", "one"),
        ("features", [""]),
        ("features", [ngettext_lazy("%(n)d seat", "%(n)d seats", "n")]),
        ("description", gettext_lazy),
        ("limits", {"projects": -1}),
        ("limits", {"projects": True}),
        ("limits", ["projects"]),
        ("is_highlighted", 1),
        ("trial_days", 731),
        ("trial_days", 14.0),
        ("trial_requires_card", "no"),
        ("trial_without_card", "create_invoice"),
        ("seats", 5),
        ("seats", {"minimum": 3, "maximum": 2}),
        ("seats", {"minimum": 0}),
        ("seats", {"maximum": 10**7}),
        ("seats", {"min": 1}),
        ("former_price_ids", ["prod_1"]),
        (7, "x"),
    ],
)
def test_invalid_new_field_is_named(find_problems, settings, field, value):
    settings.BILLING_PLANS = [PRO | {field: value}]
    [message] = find_problems()
    assert message.startswith("billing.E003 Plan 1")
    assert repr(field) in message


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        ([PRO | {"amount": 5125, "currency": "kwd"}], "in kwd, amounts are multiples of 10, not 5125"),
        ([PRO | {"amount": 550, "currency": "isk"}], "in isk, amounts are multiples of 100, not 550"),
        ([PRO | {"interval_count": 37}], "at most three years"),
        ([{"slug": "a", "name": "A"}, {"slug": "b", "name": "B"}], "More than one plan is free"),
        ([{"slug": "a", "name": "A", "trial_days": 3}], "it is free"),
        ([PRO, {"slug": "a", "name": "A", "limits": {"projects": 1}}], "'pro' doesn't have the limit 'projects'"),
        ([{"slug": "a", "name": "A", "prices": [], "price_id": "price_1"}], "both 'prices' and"),
        ([{"slug": "a", "name": "A", "prices": ["price_1"]}], "price 1 is not a dictionary"),
        ([{"slug": "a", "name": "A", "prices": {"id": "price_1"}}], "'prices' must be a list"),
    ],
)
def test_contradiction_is_named(find_problems, settings, plans, expected):
    settings.BILLING_PLANS = plans
    [message] = find_problems()
    assert message.startswith("billing.E003")
    assert expected in message


def test_problems_of_add_ons_and_products_are_named(find_problems, settings):
    settings.BILLING_ADD_ONS = [offer(interval="weekly"), {"slug": "x", "name": "X"}, None]
    settings.BILLING_PRODUCTS = [offer(interval="month"), offer(prices=[])]
    messages = find_problems()
    assert ids(messages) == ["billing.E003"] * len(messages)
    for expected in (
        "Add-on 1: 'interval'",
        "Add-on 2 is missing",
        "Add-on 3 is not",
        "Product 1 has an unknown field",
    ):
        assert any(expected in message for message in messages)
    settings.BILLING_ADD_ONS, settings.BILLING_PRODUCTS = "none", {}
    assert len(find_problems()) == 2


@pytest.mark.parametrize(
    ("plan", "add_ons", "expected"),
    [
        ({}, [offer(interval="year")], ["no price for every 1 month", "can't be bought"]),
        ({}, [offer(interval="month", currency="eur")], ["can't be bought"]),
        ({"amount": 49}, [], ["less than Stripe can charge"]),
        ({"amount": 49, "seats": {"minimum": 2}}, [], []),
        ({"amount": 0}, [], []),
        ({}, [offer(interval="month", amount=10)], []),
    ],
)
def test_doubtful_offers_are_warned_about(find_problems, settings, plan, add_ons, expected):
    settings.BILLING_PLANS, settings.BILLING_ADD_ONS = [PRO | plan], add_ons
    messages = find_problems()
    assert ids(messages) == ["billing.W002"] * len(expected)
    for message, part in zip(messages, expected, strict=True):
        assert part in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("language", "german"),
        ("language", ["de"]),
        ("adjustable_quantity", 1),
        ("promotion_codes", "yes"),
        ("automatic_tax", None),
        ("tax_ids", {}),
        ("billing_address", True),
        ("color", "red"),
    ],
)
def test_invalid_checkout_term_is_named(find_problems, settings, name, value):
    settings.BILLING_CHECKOUT = settings.BILLING_CHECKOUT | {name: value}
    [message] = find_problems()
    assert message.startswith("billing.E006")
    assert repr(name) in message


def test_incomplete_checkout_terms_are_named(find_problems, settings):
    settings.BILLING_CHECKOUT = {}
    assert ids(find_problems()) == ["billing.E006"] * 6
    settings.BILLING_CHECKOUT = None
    assert ids(find_problems()) == ["billing.E006"]


def test_shipped_plans_are_correct(find_problems, settings):
    settings.BILLING_PLANS = import_module("settings.plans").BILLING_PLANS
    assert find_problems() == []


@pytest.mark.parametrize("path", ["nothing.here", "billing.tests", "billing.plans.PLACEHOLDER", "x"])
def test_seat_function_that_cannot_be_called_is_reported(settings, path):
    settings.BILLING_SEATS_IN_USE = path
    assert "billing.E007" in [message.id for message in checks.run_checks(tags=["billing"])]
    settings.BILLING_SEATS_IN_USE = "billing.seats.seats_in_use"
    assert "billing.E007" not in [message.id for message in checks.run_checks(tags=["billing"])]
