"""System checks: each reports its mistake under its ID, and a correct configuration is quiet."""

import pytest
from django.core import checks

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


@pytest.mark.parametrize("path", ["nothing.here", "billing.tests", "billing.plans.PLACEHOLDER", "x"])
def test_seat_function_that_cannot_be_called_is_reported(settings, path):
    settings.BILLING_SEATS_IN_USE = path
    assert "billing.E006" in [message.id for message in checks.run_checks(tags=["billing"])]
    settings.BILLING_SEATS_IN_USE = "billing.seats.seats_in_use"
    assert "billing.E006" not in [message.id for message in checks.run_checks(tags=["billing"])]
