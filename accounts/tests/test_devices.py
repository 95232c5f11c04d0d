"""The devices on which a user is logged in, and how to log them out."""

import pytest
from django.conf import settings
from django.test import Client

from accounts import services
from accounts.models import Login, User
from accounts.tests.support.users import CREDENTIALS, PASSWORD, is_logged_in, log_in


@pytest.fixture
def browser(ada) -> Client:
    """Ada is logged in to the admin with Firefox."""
    User.objects.update(is_staff=True)
    browser = Client(headers={"user-agent": "Firefox"})
    data = {"username": ada.email, "password": PASSWORD, "next": "/admin/"}
    assert browser.post("/admin/login/", data).status_code == 302
    return browser


def devices(user, browser=None):
    return services.list_devices(user=user, session_key=(browser or Client()).session.session_key)


def test_logins_are_listed_as_devices_newest_first(call_api, ada, browser):
    call_api("POST", "login/", CREDENTIALS, HTTP_USER_AGENT="curl\x00", REMOTE_ADDR="192.0.2.7")
    phone, laptop = devices(ada, browser)
    assert phone.user_agent == "curl"
    assert phone.client_address == "192.0.2.7"
    assert phone.is_browser is False
    assert phone.is_current is False
    assert laptop.user_agent == "Firefox"
    assert laptop.is_browser is True
    assert laptop.is_current is True


def test_only_the_owner_can_log_out_a_device(call_api, ada, browser, ada_token):
    stranger = User.objects.create_user("bob@example.com")
    phone, laptop = devices(ada)
    assert services.end_device(user=stranger, device_id=phone.id) is False
    assert services.end_device(user=ada, device_id=phone.id) is True
    assert (call_api("GET", "me/", token=ada_token).status_code, browser.get("/admin/").status_code) == (401, 200)
    assert services.end_device(user=ada, device_id=laptop.id) is True
    assert services.end_device(user=ada, device_id=laptop.id) is False
    assert (browser.get("/admin/").status_code, devices(ada)) == (302, [])
    assert Login.objects.count() == 2


def test_logout_keeps_the_login_and_removes_the_device(call_api, ada, browser, ada_token):
    call_api("POST", "logout/", token=ada_token)
    browser.post("/admin/logout/")
    assert (devices(ada), Login.objects.count()) == ([], 2)


def test_logout_all_ends_every_session_and_token(call_api, ada, browser, ada_token):
    lost = Client()
    lost.force_login(ada)
    Login.objects.filter(session_key=lost.session.session_key).delete()
    assert call_api("POST", "logout-all/", token=ada_token).status_code == 204
    assert call_api("GET", "me/", token=ada_token).status_code == 401
    assert not any(is_logged_in(client) for client in (browser, lost))
    assert devices(ada) == []
    assert log_in(call_api)


def test_new_password_keeps_only_the_current_browser(ada, browser):
    other = Client()
    other.force_login(ada)
    session = browser.session
    services.change_password(user=ada, password=PASSWORD, new_password="another good sentence", session=session)
    session.save()
    browser.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    assert (is_logged_in(browser), is_logged_in(other)) == (True, False)
    assert [device.is_current for device in devices(ada, browser)] == [True]
