"""Guessing at an account is slowed down, wherever it comes from; its owner still gets in."""

import pytest
from django.conf import settings as project
from django.test import Client

from accounts.tests.support.users import CREDENTIALS, PASSWORD
from accounts.tokens import make_password_reset_token

TRIES = 1000
RATES = {"login": "20/minute", "login_account": "100/hour"}


@pytest.fixture(autouse=True)
def production(settings):
    """The rates as they are by default, behind one proxy."""
    rates = {**project.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], **RATES}
    settings.REST_FRAMEWORK = {**project.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates, "NUM_PROXIES": 1}


def guess(call, clients, tries=TRIES):
    """The statuses of wrong logins at Ada's account from so many IP addresses."""
    addresses = [f"198.51.{number // 250}.{number % 250}" for number in range(clients)]
    wrong = {**CREDENTIALS, "password": "wrong"}
    return [
        call("POST", "login/", wrong, HTTP_X_FORWARDED_FOR=addresses[number % clients]).status_code
        for number in range(tries)
    ]


def log_in(call, **headers):
    return call("POST", "login/", CREDENTIALS, HTTP_X_FORWARDED_FOR="192.0.2.1", **headers)


@pytest.mark.parametrize("clients", [1, 200])
def test_of_a_thousand_guesses_twenty_a_minute_are_tried(call, ada, clients):
    statuses = guess(call, clients)
    assert (statuses.count(400), statuses.count(429)) == (20, TRIES - 20)


def test_and_a_hundred_an_hour(call, ada, settings):
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["login"] = "1000/minute"
    assert guess(call, 200, 300).count(400) == 100


@pytest.mark.parametrize("clients", [1, 200])
def test_the_owner_still_logs_in_from_a_device_known_from_before(call, ada, clients):
    device = log_in(call)["Known-Device"]
    guess(call, clients)
    assert log_in(call).status_code == 429
    assert log_in(call, HTTP_KNOWN_DEVICE=device).status_code == 200
    assert log_in(call, HTTP_COOKIE=f"known_device={device}").status_code == 200


def test_one_client_cannot_use_up_the_tries_of_an_account(call, ada, settings):
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["login"] = "1000/minute"
    assert guess(call, 1).count(400) == 20
    assert log_in(call).status_code == 200


def test_and_from_any_other_device_by_the_link_of_a_mail(call, ada):
    guess(call, 200, 200)
    data = {"token": make_password_reset_token(ada), "password": PASSWORD}
    device = call("POST", "password/reset/confirm/", data, HTTP_X_FORWARDED_FOR="192.0.2.1")["Known-Device"]
    assert log_in(call, HTTP_KNOWN_DEVICE=device).status_code == 200


def test_a_known_device_must_not_guess_either(call, ada):
    device = log_in(call)["Known-Device"]
    wrong = {**CREDENTIALS, "password": "wrong"}
    statuses = [call("POST", "login/", wrong, HTTP_KNOWN_DEVICE=device).status_code for _ in range(30)]
    assert (statuses.count(400), statuses.count(429)) == (20, 10)


@pytest.mark.parametrize("origin", ["of another account", "made up", "from before all were logged out"])
def test_only_the_accounts_own_devices_are_known(call, ada, django_user_model, origin):
    device = log_in(call)["Known-Device"] if "before" in origin else "made:up:value"
    if origin == "of another account":
        django_user_model.objects.create_user("eve@example.com", PASSWORD, email_verified_at=ada.email_verified_at)
        device = call("POST", "login/", {"email": "eve@example.com", "password": PASSWORD})["Known-Device"]
    django_user_model.objects.filter(pk=ada.pk).update(session_generation=1)
    guess(call, 200, 200)
    assert log_in(call, HTTP_KNOWN_DEVICE=device).status_code == 429


def test_an_address_without_an_account_is_slowed_down_the_same(call, db):
    statuses = guess(call, 200, 100)
    assert (statuses.count(400), statuses.count(429)) == (20, 80)


def test_the_admin_counts_too(ada):
    wrong = {"username": "ada@example.com", "password": "wrong"}
    pages = [Client().post("/admin/login/", wrong, HTTP_X_FORWARDED_FOR=f"192.0.2.{n}") for n in range(25)]
    refused = ["Too many attempts" in page.content.decode() for page in pages]
    assert (refused.count(False), refused.count(True)) == (20, 5)


def test_a_guess_at_the_password_with_a_found_token_counts_too(call, token):
    data = {"password": "wrong", "new_password": "another good sentence"}
    paths = ["password/change/", "me/"] * 15
    statuses = [
        call("POST" if "change" in path else "DELETE", path, data if "change" in path else {"password": "wrong"},
             token=token, HTTP_X_FORWARDED_FOR=f"192.0.2.{number}").status_code
        for number, path in enumerate(paths)
    ]  # fmt: skip
    assert (statuses.count(400), statuses.count(429)) == (20, 10)
