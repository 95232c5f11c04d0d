"""The pages /login and /logout, used like a browser without scripts.

``log_in(client)`` submits the login form as Ada, ``text_of(response)`` is the visible text of a page, and ``ada`` is a
user with a confirmed email address.
"""

import pytest
from django.conf import settings as project
from django.contrib.sessions.models import Session
from django.test import Client
from rest_framework.settings import api_settings

from accounts.tests.support.browser import log_in, text_of
from accounts.tests.support.users import PASSWORD


def test_login_leads_to_the_dashboard(client, ada):
    assert log_in(client)["Location"] == "/dashboard"
    assert "Hello, Ada" in text_of(client.get("/dashboard"))


def test_wrong_credentials_look_alike_and_keep_the_address(client, ada):
    responses = [log_in(client, "ada@example.com", "wrong"), log_in(client, "bob@example.com", PASSWORD)]
    assert [response.status_code for response in responses] == [400, 400]
    assert all("The email address or password is incorrect." in text_of(response) for response in responses)
    assert 'value="ada@example.com"' in responses[0].content.decode()


def test_unconfirmed_user_is_offered_another_email(client, unconfirmed_user):
    response = log_in(client, unconfirmed_user.email)
    assert "Confirm your email address first" in text_of(response)
    assert 'href="/welcome"' in response.content.decode()
    assert f'value="{unconfirmed_user.email}"' in client.get("/welcome").content.decode()


def test_wrong_password_does_not_reveal_unconfirmed_address(client, unconfirmed_user):
    response = log_in(client, unconfirmed_user.email, "wrong")
    assert "Confirm your email address" not in text_of(response)


def test_login_rotates_the_session_key(client, ada):
    """Otherwise an attacker could plant a session key in a browser and use it after the login (session fixation)."""
    client.post("/forgot-password", {"email": "x@example.com"})  # starts a session
    before = client.session.session_key
    log_in(client)
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


def test_login_returns_to_the_requested_page(client, ada):
    redirect = client.get("/settings/email")
    assert redirect["Location"] == "/login?next=/settings/email"
    login_page = client.get(redirect["Location"])
    assert '<input type="hidden" name="next" value="/settings/email">' in login_page.content.decode()
    data = {"email": ada.email, "password": PASSWORD, "next": "/settings/email"}
    assert client.post("/login", data)["Location"] == "/settings/email"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("https://evil.example.com/", id="another site"),
        pytest.param("//evil.example.com", id="another site with the same scheme"),
        # Browsers read a backslash as a slash, ignore leading control characters, and add the missing slashes.
        pytest.param("/\\evil.example.com", id="backslash"),
        pytest.param("\x08//evil.example.com", id="control character"),
        pytest.param("https:evil.example.com", id="no slashes"),
        pytest.param("http:///x", id="no host"),
        pytest.param("javascript:alert(1)", id="script"),
        pytest.param("/login\r\nX: y", id="line break that would start another header"),
        # Everything before the @ is a user name, so this is a page of evil.example.com.
        pytest.param("http://testserver@evil.example.com/", id="our host as a user name"),
    ],
)
def test_login_never_redirects_to_another_site(client, ada, target):
    response = client.post("/login", {"email": ada.email, "password": PASSWORD, "next": target})
    assert response["Location"].startswith("/")
    assert "evil" not in response["Location"]
    again = client.get("/login", {"next": target})
    assert "evil" not in again["Location"]


@pytest.mark.parametrize("target", ["/login", "/login?next=/login", "/dashboard/"])
def test_logged_in_user_gets_no_redirect_loop(client, ada, target):
    log_in(client)
    response = client.get("/login", {"next": target}, follow=True)
    assert response.status_code == 200
    assert len(response.redirect_chain) <= 3


def test_logout_requires_post_and_ends_the_session(client, ada):
    log_in(client)
    key = client.session.session_key
    assert client.get("/logout").status_code == 405
    assert client.get("/dashboard").status_code == 200
    assert client.post("/logout")["Location"] == "/"
    assert client.get("/dashboard").status_code == 302
    assert not Session.objects.filter(session_key=key).exists()


def test_forged_form_is_refused(ada):
    """Another site could log a victim in to the attacker's account."""
    browser = Client(enforce_csrf_checks=True)
    assert log_in(browser).status_code == 403
    token = browser.get("/login").cookies[project.CSRF_COOKIE_NAME].value
    data = {"email": ada.email, "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert browser.post("/login", data, HTTP_ORIGIN="https://evil.example.com").status_code == 403
    assert browser.post("/login", data, HTTP_ORIGIN="http://testserver").status_code == 302


def test_pages_and_api_share_one_throttle(client, post, ada, settings):
    rates = {**api_settings.DEFAULT_THROTTLE_RATES, "login": "2/minute"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    log_in(client, password="wrong")
    post("login/", {"email": ada.email, "password": "wrong"})
    response = log_in(client)
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 60
    assert "Please wait a minute" in text_of(response)


def test_viewing_a_page_is_not_throttled(client, ada, settings):
    rates = {**api_settings.DEFAULT_THROTTLE_RATES, "login": "1/minute"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    assert [client.get("/login").status_code for _ in range(3)] == [200] * 3
    assert log_in(client).status_code == 302


def test_browser_is_remembered_as_a_known_device(client, ada):
    cookie = log_in(client).cookies[project.DEVICE_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
