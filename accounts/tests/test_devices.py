"""Where a person is logged in, and how that ends."""

import pytest
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


def test_every_login_is_a_device_newest_first(call, ada, browser):
    call("POST", "login/", CREDENTIALS, HTTP_USER_AGENT="curl\x00", REMOTE_ADDR="192.0.2.7")
    phone, laptop = devices(ada, browser)
    assert (phone.user_agent, phone.client_address, phone.is_browser, phone.is_current) == (
        "curl", "192.0.2.7", False, False,
    )  # fmt: skip
    assert (laptop.user_agent, laptop.is_browser, laptop.is_current) == ("Firefox", True, True)


def test_a_device_can_be_ended_by_its_owner(call, ada, browser, token):
    stranger = User.objects.create_user("bob@example.com")
    phone, laptop = devices(ada)
    assert services.end_device(user=stranger, device_id=phone.id) is False
    assert services.end_device(user=ada, device_id=phone.id) is True
    assert (call("GET", "me/", token=token).status_code, browser.get("/admin/").status_code) == (401, 200)
    assert services.end_device(user=ada, device_id=laptop.id) is True
    assert services.end_device(user=ada, device_id=laptop.id) is False
    assert (browser.get("/admin/").status_code, devices(ada)) == (302, [])
    assert Login.objects.count() == 2


def test_logging_out_leaves_the_login_and_no_device(call, ada, browser, token):
    call("POST", "logout/", token=token)
    browser.post("/admin/logout/")
    assert (devices(ada), Login.objects.count()) == ([], 2)


def test_logging_out_everywhere(call, ada, browser, token):
    lost = Client()
    lost.force_login(ada)
    Login.objects.filter(session_key=lost.session.session_key).delete()
    assert call("POST", "logout-all/", token=token).status_code == 204
    assert call("GET", "me/", token=token).status_code == 401
    assert not any(is_logged_in(client) for client in (browser, lost))
    assert devices(ada) == []
    assert log_in(call)


def test_a_new_password_keeps_the_browser_it_was_chosen_in(ada, browser):
    other = Client()
    other.force_login(ada)
    session = browser.session
    services.change_password(user=ada, password=PASSWORD, new_password="another good sentence", session=session)
    session.save()
    browser.cookies["sessionid"] = session.session_key
    assert (is_logged_in(browser), is_logged_in(other)) == (True, False)
    assert [device.is_current for device in devices(ada, browser)] == [True]
