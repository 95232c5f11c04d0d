"""Password guessing is slowed down from anywhere, while the owner can still log in.

The tests use the default rates: 20 attempts per minute and client or account, and 100 per hour and account.
``guess(call_api, clients=200)`` tries 1,000 wrong passwords on Ada's account from 200 IP addresses. A 400 response
means that the password was checked, and a 429 response that it was not.

After a login, the response contains a "known device" value. A client that sends it is limited separately, so an attack
on the account from elsewhere doesn't lock the owner out.
"""

import pytest
from django.conf import settings as project
from django.test import Client

from accounts.tests.support.users import CREDENTIALS, PASSWORD
from accounts.tokens import make_password_reset_token

ATTEMPTS = 1000
RATES = {"login": "20/minute", "login_account": "100/hour"}


@pytest.fixture(autouse=True)
def production_rates(settings):
    """Set the default rates, which settings.test raises, and trust one proxy's X-Forwarded-For header."""
    rates = {**project.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], **RATES}
    settings.REST_FRAMEWORK = {**project.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates, "NUM_PROXIES": 1}


def guess(call_api, clients, attempts=ATTEMPTS):
    """Try wrong passwords on Ada's account from ``clients`` IP addresses and return the status codes."""
    addresses = [f"198.51.{number // 250}.{number % 250}" for number in range(clients)]
    wrong = {**CREDENTIALS, "password": "wrong"}
    return [
        call_api("POST", "login/", wrong, HTTP_X_FORWARDED_FOR=addresses[number % clients]).status_code
        for number in range(attempts)
    ]


def log_in(call_api, **headers):
    return call_api("POST", "login/", CREDENTIALS, HTTP_X_FORWARDED_FOR="192.0.2.1", **headers)


@pytest.mark.parametrize("clients", [1, 200])
def test_only_twenty_guesses_a_minute_are_checked(call_api, ada, clients):
    statuses = guess(call_api, clients)
    assert (statuses.count(400), statuses.count(429)) == (20, ATTEMPTS - 20)


def test_only_a_hundred_guesses_an_hour_are_checked(call_api, ada, settings):
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["login"] = "1000/minute"
    assert guess(call_api, 200, 300).count(400) == 100


@pytest.mark.parametrize(("clients", "status"), [(1, 200), (200, 429)])
def test_owner_can_log_in_from_a_known_device(call_api, ada, clients, status):
    device = log_in(call_api)["Known-Device"]
    guess(call_api, clients)
    assert log_in(call_api).status_code == status
    assert log_in(call_api, HTTP_KNOWN_DEVICE=device).status_code == 200
    assert log_in(call_api, HTTP_COOKIE=f"{project.DEVICE_COOKIE_NAME}={device}").status_code == 200


def test_device_cookie_with_its_former_name_still_counts(call_api, ada, settings):
    settings.DEVICE_COOKIE_NAME = "__Host-known_device"
    device = log_in(call_api)["Known-Device"]
    guess(call_api, 1)
    assert log_in(call_api, HTTP_COOKIE=f"known_device={device}; __Host-known_device=").status_code == 200


def test_one_client_cannot_exhaust_the_accounts_attempts(call_api, ada, settings):
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["login"] = "1000/minute"
    assert guess(call_api, 1).count(400) == 20
    assert log_in(call_api).status_code == 200


def test_owner_can_log_in_after_a_password_reset(call_api, ada):
    guess(call_api, 200, 200)
    data = {"token": make_password_reset_token(ada), "password": PASSWORD}
    device = call_api("POST", "password/reset/confirm/", data, HTTP_X_FORWARDED_FOR="192.0.2.1")["Known-Device"]
    assert log_in(call_api, HTTP_KNOWN_DEVICE=device).status_code == 200


def test_known_device_is_limited_too(call_api, ada):
    device = log_in(call_api)["Known-Device"]
    wrong = {**CREDENTIALS, "password": "wrong"}
    statuses = [call_api("POST", "login/", wrong, HTTP_KNOWN_DEVICE=device).status_code for _ in range(30)]
    assert (statuses.count(400), statuses.count(429)) == (20, 10)


def test_known_device_has_an_hourly_limit_too(call_api, ada, settings):
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["login"] = "1000/minute"
    device = log_in(call_api)["Known-Device"]
    wrong = {**CREDENTIALS, "password": "wrong"}
    statuses = [call_api("POST", "login/", wrong, HTTP_KNOWN_DEVICE=device).status_code for _ in range(110)]
    assert (statuses.count(400), statuses.count(429)) == (100, 10)


def test_known_device_does_not_depend_on_its_network(call_api, ada):
    """Somebody else in the same network can't use up its attempts."""
    device = log_in(call_api)["Known-Device"]
    for number in range(25):
        other = {"email": f"{number}@example.com", "password": "wrong"}
        call_api("POST", "login/", other, HTTP_X_FORWARDED_FOR="192.0.2.1")
    assert log_in(call_api).status_code == 429
    assert log_in(call_api, HTTP_KNOWN_DEVICE=device).status_code == 200


def test_known_device_can_request_a_reset_under_attack(call_api, ada, mailoutbox, settings):
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["password_reset"] = "10/hour"
    device = log_in(call_api)["Known-Device"]
    for number in range(50):
        call_api("POST", "password/reset/", {"email": ada.email}, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
    sent = len(mailoutbox)
    elsewhere = {"HTTP_X_FORWARDED_FOR": "192.0.2.9"}
    assert call_api("POST", "password/reset/", {"email": ada.email}, **elsewhere).status_code == 429
    headers = {"HTTP_KNOWN_DEVICE": device, **elsewhere}
    assert call_api("POST", "password/reset/", {"email": ada.email}, **headers).status_code == 202
    assert len(mailoutbox) == sent + 1


@pytest.mark.parametrize("origin", ["of another account", "made up", "from before all were logged out"])
def test_devices_of_others_are_not_known(call_api, ada, django_user_model, origin):
    device = log_in(call_api)["Known-Device"] if "before" in origin else "made:up:value"
    if origin == "of another account":
        django_user_model.objects.create_user("eve@example.com", PASSWORD, email_verified_at=ada.email_verified_at)
        device = call_api("POST", "login/", {"email": "eve@example.com", "password": PASSWORD})["Known-Device"]
    django_user_model.objects.filter(pk=ada.pk).update(session_generation=1)
    guess(call_api, 200, 200)
    assert log_in(call_api, HTTP_KNOWN_DEVICE=device).status_code == 429


def test_unknown_address_is_limited_the_same_way(call_api, db):
    statuses = guess(call_api, 200, 100)
    assert (statuses.count(400), statuses.count(429)) == (20, 80)


def test_admin_login_counts_as_an_attempt(ada):
    wrong = {"username": "ada@example.com", "password": "wrong"}
    pages = [Client().post("/admin/login/", wrong, HTTP_X_FORWARDED_FOR=f"192.0.2.{n}") for n in range(25)]
    refused = ["Too many attempts" in page.content.decode() for page in pages]
    assert (refused.count(False), refused.count(True)) == (20, 5)


def test_guesses_with_a_stolen_token_count_as_attempts_to_log_in(call_api, ada, ada_token, settings):
    """A thief with a token gets no more guesses in an hour than one client that logs in."""
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["login"] = "1000/minute"
    requests = [
        ("POST", "password/change/", {"password": "wrong", "new_password": "another good sentence"}),
        ("POST", "email/change/", {"password": "wrong", "email": "new@example.com"}),
        ("DELETE", "me/", {"password": "wrong"}),
    ]
    settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["password_reset"] = "1000/minute"
    statuses = [call_api(*requests[number % 3], token=ada_token).status_code for number in range(60)]
    assert (statuses.count(400), statuses.count(429)) == (20, 40)
    others = guess(call_api, 200, 200).count(400)
    assert others == 100 - 20 - 1  # of the account's 100, less the login that issued the token


def test_guesses_with_a_stolen_token_are_limited(call_api, ada_token):
    data = {"password": "wrong", "new_password": "another good sentence"}
    paths = ["password/change/", "me/"] * 15
    statuses = [
        call_api(
            "POST" if "change" in path else "DELETE",
            path,
            data if "change" in path else {"password": "wrong"},
            token=ada_token,
            HTTP_X_FORWARDED_FOR=f"192.0.2.{number}",
        ).status_code
        for number, path in enumerate(paths)
    ]
    assert (statuses.count(400), statuses.count(429)) == (20, 10)
