"""Profile, devices and data of a person, on the pages."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.pages.display import device_name
from accounts.tests.support.browser import log_in, text_of
from accounts.tests.support.users import PASSWORD

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def phone(ada) -> Client:
    phone = Client(headers={"user-agent": IPHONE})
    log_in(phone)
    return phone


@pytest.fixture
def browser(ada) -> Client:
    browser = Client()
    log_in(browser)
    return browser


def device_ids(browser: Client) -> list[int]:
    return [device.id for device in browser.get("/settings/devices").context["devices"]]


def test_the_profile_is_saved(browser):
    answer = browser.post("/settings", {"name": "Ada King", "language": "en"}, follow=True)
    assert "Your profile has been saved." in text_of(answer)
    assert User.objects.get().name == "Ada King"


def test_the_profile_takes_nothing_else(browser, ada):
    given = {"name": "Ada", "language": "en", "email": "x@example.com", "is_staff": "1", "id": "99", "password": "x"}
    browser.post("/settings", given)
    user = User.objects.get()
    assert (user.pk, user.email, user.is_staff, user.password) == (ada.pk, ada.email, False, ada.password)


@pytest.mark.parametrize("given", [{"name": "", "language": "en"}, {"name": "Ada", "language": "xx"}])
def test_a_wrong_profile_is_refused(browser, given):
    assert browser.post("/settings", given).status_code == 400
    assert User.objects.get().name == "Ada"


def test_devices_are_listed_with_the_current_one_marked(browser, phone):
    shown = text_of(phone.get("/settings/devices"))
    assert "Safari on iPhone This device" in shown
    assert len(device_ids(browser)) == 2


def test_a_device_is_logged_out(browser, phone):
    (other,) = [device.id for device in browser.get("/settings/devices").context["devices"] if not device.is_current]
    answer = browser.post("/settings/devices", {"device": other}, follow=True)
    assert "The device has been logged out." in text_of(answer)
    assert phone.get("/dashboard").status_code == 302
    assert browser.get("/dashboard").status_code == 200


def test_a_token_of_the_api_is_a_device_too(browser, post, ada):
    token = post("login/", {"email": ada.email, "password": PASSWORD}).json()["token"]
    for device in browser.get("/settings/devices").context["devices"]:
        if not device.is_browser:
            browser.post("/settings/devices", {"device": device.id})
    assert browser.get("/api/accounts/me/", headers={"authorization": f"Token {token}"}).status_code == 401


@pytest.mark.parametrize("device", ["0", "-1", "x", "", "999999", "99999999999999999999", "1 OR 1"])
def test_there_is_no_such_device(browser, device):
    assert browser.post("/settings/devices", {"device": device}).status_code == 404


def test_everything_is_logged_out_at_once(browser, phone):
    assert browser.post("/settings/devices/all")["Location"] == "/login"
    assert "All devices have been logged out" in text_of(browser.get("/login"))
    assert [client.get("/dashboard").status_code for client in (browser, phone)] == [302, 302]


def test_the_data_is_a_file_to_keep(browser, ada):
    answer = browser.get("/settings/data/export")
    assert answer["Content-Disposition"] == 'attachment; filename="account.json"'
    assert answer.json()["profile"]["email"] == ada.email


def test_an_account_is_deleted_after_its_password(browser):
    assert browser.post("/settings/data", {"password": "wrong"}).status_code == 400
    answer = browser.post("/settings/data", {"password": PASSWORD}, follow=True)
    assert "Your account has been deleted." in text_of(answer)
    assert not User.objects.exists()


def test_what_stands_against_a_deletion_is_said(browser, monkeypatch):
    monkeypatch.setattr("accounts.services.deletion.deletion_guards", [lambda user: "Cancel your subscription first."])
    answer = browser.post("/settings/data", {"password": PASSWORD})
    assert answer.status_code == 400
    assert "Cancel your subscription first." in text_of(answer)
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
def test_a_device_is_named_as_its_owner_would(user_agent, name):
    assert device_name(user_agent) == name
