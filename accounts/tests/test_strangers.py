"""A stranger sends many requests about someone's address to each public route; its owner is served from elsewhere.

All limits have their defaults. With RUN_SLOW=1, each route gets 1,000 requests, and otherwise 26.
"""

from typing import Any

import pytest
from django.conf import settings as project
from django.core import mail
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from accounts.tests.support.users import ADA, CREDENTIALS, PASSWORD
from accounts.tokens import make_email_change_token, make_email_verification_token, make_password_reset_token

RATES = {"signup": "20/hour", "login": "20/minute", "login_account": "100/hour", "password_reset": "10/hour"}
STRANGER, ELSEWHERE = "198.51.100.1", "192.0.2.1"
FIELDS = {"email": "ada@example.com", "name": "Mallory", "password": "wrong", "token": "x"}
# Every route that accepts a POST from a visitor, with its page. test_list_of_routes_is_complete finds new ones.
PAIRS = [
    ("/api/accounts/signup/", "/signup"),
    ("/api/accounts/email/verify/", "/verify-email"),
    ("/api/accounts/email/resend/", "/welcome"),
    ("/api/accounts/email/change/confirm/", "/confirm-email-change"),
    ("/api/accounts/email/change/undo/", "/undo-email-change"),
    ("/api/accounts/email/change/keep/confirm/", "/keep-email-address"),
    ("/api/accounts/login/", "/login"),
    ("/api/accounts/password/reset/", "/forgot-password"),
    ("/api/accounts/password/reset/confirm/", "/reset-password"),
]
API = [route for route, _ in PAIRS]
PAGES = [*(page for _, page in PAIRS), "/admin/login/"]
# Routes that look at no address and no password, or that strangers can't use.
OTHERS = {
    "/",
    "/logout",
    "/language",
    "/forgot-password/sent",
    "/stripe/webhook",
    "/brand.css",
    "/brand.svg",
    "/favicon.ico",
    "/api/schema",
    "/api/docs",
    "/api/billing/plans",
    "/api/billing/add-ons",
    "/api/billing/products",
    "/pricing",
}


@pytest.fixture(autouse=True)
def production_limits(settings):
    rates = {**project.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], **RATES}
    settings.REST_FRAMEWORK = {**project.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates, "NUM_PROXIES": 1}
    settings.ACCOUNTS_DAILY_EMAILS_PER_ADDRESS = 25


def send(path: str, data: dict[str, str], client: str) -> int:
    """Send only the fields that a route accepts: the API refuses others, and a form ignores them."""
    headers: Any = {"HTTP_X_FORWARDED_FOR": client}
    if path.startswith("/api/"):
        return Client().post(path, data, content_type="application/json", **headers).status_code
    return Client().post(path, {**data, "username": data.get("email", "")}, **headers).status_code


def serves_owner() -> bool:
    """Log in, request a reset, and sign up, all from another client and an unknown device."""
    mail.outbox.clear()
    login = send("/api/accounts/login/", CREDENTIALS, ELSEWHERE)
    reset = send("/api/accounts/password/reset/", {"email": "ada@example.com"}, ELSEWHERE)
    signup = send("/api/accounts/signup/", ADA, ELSEWHERE)
    assert (login, reset, signup) == (200, 202, 201)
    return "password" in mail.outbox[0].subject.lower()


def attack(path: str, times: int) -> None:
    for number in range(times):
        send(path, {**FIELDS, "token": f"x{number}"}, STRANGER)
        # The API validates before it looks at an address, so send valid requests too.
        send(path, VALID.get(path, FIELDS), STRANGER)


VALID = {
    "/api/accounts/signup/": {"email": "ada@example.com", "name": "Mallory", "password": PASSWORD},
    "/api/accounts/email/resend/": {"email": "ada@example.com"},
    "/api/accounts/login/": {"email": "ada@example.com", "password": "wrong"},
    "/api/accounts/password/reset/": {"email": "ada@example.com"},
    "/api/accounts/email/verify/": {"token": "x", "password": "wrong"},
    "/api/accounts/email/change/confirm/": {"token": "x", "password": "wrong"},
    "/api/accounts/email/change/undo/": {"token": "x"},
    "/api/accounts/email/change/keep/confirm/": {"token": "x", "password": "wrong"},
    "/api/accounts/password/reset/confirm/": {"token": "x", "password": PASSWORD},
    "/signup": {"email": "ada@example.com", "name": "Mallory", "password": PASSWORD},
}


@pytest.mark.parametrize("path", API + PAGES)
def test_owner_is_served_after_a_stranger_tried_everything(path, ada):
    attack(path, 13)
    assert serves_owner()


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", API + PAGES)
def test_owner_is_served_after_a_thousand_requests(path, ada):
    attack(path, 500)
    assert serves_owner()


def test_owner_is_served_after_an_attack_on_all_routes(ada):
    for path in API + PAGES:
        attack(path, 3)
    assert serves_owner()


def test_list_of_routes_is_complete(db):
    """Every route that a visitor can post to is listed above."""
    open_to_visitors = set()
    for path in routes():
        response = Client().post(path, {})
        if response.status_code not in (401, 403, 405) and not response.get("Location", "").startswith("/login?next="):
            open_to_visitors.add(path.rstrip("/") or "/")
    listed = {path.rstrip("/") for path in API + PAGES} | OTHERS
    assert {path for path in open_to_visitors if not path.startswith(("/admin", "/emails/webhooks"))} <= listed
    assert {path.rstrip("/") for path in API + PAGES} <= open_to_visitors


def routes() -> set[str]:
    """Every path of the project. Parameters become 1."""
    return {f"/{path}" for path in paths_in(get_resolver().url_patterns)}


def paths_in(patterns: "list[URLPattern | URLResolver]", prefix: str = "") -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        text = str(pattern.pattern).removeprefix("^").removesuffix("$").replace("/?", "/")
        if isinstance(pattern, URLResolver):
            found |= paths_in(pattern.url_patterns, prefix + text)
        elif not set(text) & set("<(\\"):
            found.add(prefix + text)
    return found


@pytest.mark.parametrize("path", [path for path in API + PAGES if "login" not in path])
def test_other_routes_use_up_no_attempts_to_log_in(path, ada):
    """Routes that take a token don't look at the address in the body."""
    for number in range(25):
        send(path, {**FIELDS, "token": f"x{number}"}, f"198.51.100.{number}")
    assert send("/api/accounts/login/", CREDENTIALS, ELSEWHERE) == 200


@pytest.mark.parametrize(("route", "page"), PAIRS)
def test_api_and_page_share_their_windows(route, page, ada):
    assert 429 in [send(route, VALID[route], STRANGER) for _ in range(21)]
    assert send(page, {**FIELDS, **VALID[route]}, STRANGER) == 429


def test_refused_requests_do_not_use_up_a_reset(ada):
    for number in range(10):
        send("/api/accounts/password/reset/", {"email": f"{number}@example.com"}, STRANGER)
    for _ in range(11):
        assert send("/api/accounts/password/reset/", {"email": "ada@example.com"}, STRANGER) == 429
    assert serves_owner()


@pytest.mark.parametrize("kind", ["verification", "email change"])
def test_guesses_with_a_link_count_as_attempts_to_log_in(kind, ada):
    """A link from an email allows no more guesses than a login does."""
    if kind == "verification":
        User.objects.filter(pk=ada.pk).update(email_verified_at=None)
        path, token = "/api/accounts/email/verify/", make_email_verification_token(ada)
    else:
        path, token = "/api/accounts/email/change/confirm/", make_email_change_token(ada, "new@example.com")
    statuses = [
        send(path, {"token": token, "password": "wrong"}, f"198.51.100.{number % 5}")
        if number % 2
        else send("/api/accounts/login/", {**CREDENTIALS, "password": "wrong"}, f"198.51.100.{number % 5}")
        for number in range(60)
    ]
    assert statuses.count(400) == 20


def test_reset_link_works_while_the_account_is_attacked(ada):
    for number in range(60):
        send("/api/accounts/login/", {**CREDENTIALS, "password": "wrong"}, f"198.51.100.{number}")
    data = {"token": make_password_reset_token(ada), "password": "another long sentence to log in with"}
    assert send("/api/accounts/password/reset/confirm/", data, ELSEWHERE) == 204
