"""System checks: each finds its mistake, by its id, and none complains about a house in order."""

import pytest
from django.core import checks

KEY = "sk_test_51StandInSecretKey"


@pytest.fixture
def found():
    def found(*, deploy: bool = False) -> list[str]:
        messages = checks.run_checks(include_deployment_checks=deploy, tags=["billing"])
        assert all(message.hint for message in messages)
        assert KEY not in str(messages)
        return [f"{message.id} {message.msg}" for message in messages]

    return found


def ids(messages):
    return [message.split()[0] for message in messages]


@pytest.mark.parametrize("key", ["", KEY, "sk_live_1", "rk_live_1", "rk_test_1"])
def test_a_house_in_order_is_quiet(found, settings, key):
    settings.STRIPE_SECRET_KEY = key
    settings.STRIPE_LIVEMODE = "_live_" in key if key else None
    assert found(deploy=True) == []


def test_an_empty_secret_with_which_anybody_could_sign(found, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_1", " "]
    assert ids(found()) == ["billing.E001"]


@pytest.mark.parametrize("key", ["pk_test_1", "whsec_1", "sk_test_", "sk_1", "key", "sk_test_1 ", "sk_test_1\n"])
def test_a_key_that_is_none(found, settings, key):
    settings.STRIPE_SECRET_KEY = key
    assert ids(found()) == ["billing.E002"]


@pytest.mark.parametrize(("key", "livemode"), [(KEY, True), ("sk_live_1", False)])
def test_a_key_of_the_other_mode(found, settings, key, livemode):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_LIVEMODE = key, livemode
    assert ids(found()) == ["billing.E004"]


PRO = {"slug": "pro", "name": "Pro", "price_id": "price_1", "amount": 2900, "currency": "usd", "interval": "month"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", ""), ("slug", "Pro Plan"), ("slug", None), ("name", " "), ("price_id", ""), ("amount", "29.00"),
        ("amount", 29.0), ("amount", -1), ("amount", True), ("currency", "USD"), ("currency", "dollar"),
        ("interval", "monthly"), ("description", None), ("former_price_ids", "price_0"), ("former_price_ids", [1]),
        ("colour", "red"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(found, settings, field, value):
    settings.BILLING_PLANS = [PRO | {field: value}]
    [message] = found()
    assert message.startswith("billing.E003 Plan 1")
    assert repr(field) in message


@pytest.mark.parametrize("field", PRO)
def test_a_missing_field_is_named(found, settings, field):
    settings.BILLING_PLANS = [{name: value for name, value in PRO.items() if name != field}]
    assert found() == [f"billing.E003 Plan 1 is missing {field!r}."]


@pytest.mark.parametrize("plans", [None, "pro", {"pro": PRO}, ["pro"], [None]])
def test_what_is_no_list_of_plans(found, settings, plans):
    settings.BILLING_PLANS = plans
    assert ids(found()) == ["billing.E003"]


@pytest.mark.parametrize(
    ("second", "named"),
    [
        ({"price_id": "price_2"}, "The slug 'pro' is used by 2 plans."),
        ({"slug": "team"}, "The price 'price_1' is used by 2 plans."),
        ({"slug": "team", "price_id": "price_2", "former_price_ids": ["price_1"]}, "The price 'price_1'"),
    ],
)
def test_what_stands_twice(found, settings, second, named):
    settings.BILLING_PLANS = [PRO, PRO | second]
    [message] = found()
    assert named in message


def test_a_placeholder_warns_at_home_and_stops_a_deployment(found, settings):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_LIVEMODE = KEY, False
    settings.BILLING_PLANS = [PRO | {"price_id": "price_change_me"}]
    assert ids(found()) == ["billing.W001"]
    assert sorted(ids(found(deploy=True))) == ["billing.E005", "billing.W001"]
    settings.STRIPE_SECRET_KEY = ""
    assert found(deploy=True) == []
