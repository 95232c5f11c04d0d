"""A user's profile, devices, and data on the pages."""

import pytest
from django.test import Client

from accounts.device_names import device_name
from accounts.models import User
from accounts.tests.support.browser import log_in, text_of
from accounts.tests.support.users import PASSWORD

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def phone(ada) -> Client:
    """Provide a client in which Ada is logged in on an iPhone."""
    phone = Client(headers={"user-agent": IPHONE})
    log_in(phone)
    return phone


@pytest.fixture
def browser(ada) -> Client:
    """Provide a client in which Ada is logged in."""
    browser = Client()
    log_in(browser)
    return browser


def device_ids(browser: Client) -> list[int]:
    return [device.id for device in browser.get("/settings/devices").context["devices"]]


def test_profile_is_saved(browser):
    response = browser.post("/settings", {"name": "Ada King", "language": "en"}, follow=True)
    assert "Your profile has been saved." in text_of(response)
    assert User.objects.get().name == "Ada King"


def test_profile_form_ignores_other_fields(browser, ada):
    data = {"name": "Ada", "language": "en", "email": "x@example.com", "is_staff": "1", "id": "99", "password": "x"}
    browser.post("/settings", data)
    user = User.objects.get()
    assert user.pk == ada.pk
    assert user.email == ada.email
    assert user.is_staff is False
    assert user.password == ada.password


@pytest.mark.parametrize("data", [{"name": "", "language": "en"}, {"name": "Ada", "language": "xx"}])
def test_invalid_profile_is_refused(browser, data):
    assert browser.post("/settings", data).status_code == 400
    assert User.objects.get().name == "Ada"


def test_devices_are_listed_with_the_current_one_marked(browser, phone):
    shown = text_of(phone.get("/settings/devices"))
    assert "Safari on iPhone This device" in shown
    assert len(device_ids(browser)) == 2


def test_device_can_be_logged_out(browser, phone):
    (other,) = [device.id for device in browser.get("/settings/devices").context["devices"] if not device.is_current]
    response = browser.post("/settings/devices", {"device": other}, follow=True)
    assert "The device has been logged out." in text_of(response)
    assert phone.get("/dashboard").status_code == 302
    assert browser.get("/dashboard").status_code == 200


def test_api_token_is_listed_as_a_device(browser, post, ada):
    token = post("login/", {"email": ada.email, "password": PASSWORD}).json()["token"]
    for device in browser.get("/settings/devices").context["devices"]:
        if not device.is_browser:
            browser.post("/settings/devices", {"device": device.id})
    assert browser.get("/api/accounts/me/", headers={"authorization": f"Token {token}"}).status_code == 401


@pytest.mark.parametrize("device", ["0", "-1", "x", "", "999999", "99999999999999999999", "1 OR 1"])
def test_unknown_device_is_404(browser, device):
    assert browser.post("/settings/devices", {"device": device}).status_code == 404


def test_all_devices_can_be_logged_out(browser, phone):
    assert browser.post("/settings/devices/all")["Location"] == "/login"
    assert "All devices have been logged out" in text_of(browser.get("/login"))
    assert [client.get("/dashboard").status_code for client in (browser, phone)] == [302, 302]


def test_data_export_is_a_download(browser, ada):
    response = browser.get("/settings/data/export")
    assert response["Content-Disposition"] == 'attachment; filename="account.json"'
    assert response.json()["profile"]["email"] == ada.email


def test_account_deletion_requires_the_password(browser):
    assert browser.post("/settings/data", {"password": "wrong"}).status_code == 400
    response = browser.post("/settings/data", {"password": PASSWORD}, follow=True)
    assert "Your account has been deleted." in text_of(response)
    assert not User.objects.exists()


def test_deletion_guard_is_shown(browser, monkeypatch):
    monkeypatch.setattr("accounts.services.deletion.deletion_guards", [lambda user: "Cancel your subscription first."])
    response = browser.post("/settings/data", {"password": PASSWORD})
    assert response.status_code == 400
    assert "Cancel your subscription first." in text_of(response)
    assert User.objects.exists()


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 "
            "Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown device"),
    ],
)
def test_device_name_is_readable(user_agent, name):
    assert device_name(user_agent) == name
