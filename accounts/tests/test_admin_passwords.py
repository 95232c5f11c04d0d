"""Passwords that are changed or set in the admin or with a command follow the rules of /settings/password."""

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.settings import api_settings

from accounts.models import Login, User
from accounts.tests.support.users import NEW_PASSWORD, PASSWORD, is_logged_in, log_in

CHANGE = "/admin/password_change/"
DATA = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}


@pytest.fixture
def staff(db) -> User:
    return User.objects.create_user(
        "ada@example.com", PASSWORD, is_staff=True, is_superuser=True, email_verified_at="2026-01-01T00:00Z"
    )


@pytest.fixture
def staff_client(client: Client, staff, mailoutbox) -> Client:
    client.post("/admin/login/", {"username": staff.email, "password": PASSWORD})
    mailoutbox.clear()
    return client


@pytest.fixture
def change_log_in_rate(monkeypatch) -> None:
    monkeypatch.setattr(api_settings, "DEFAULT_THROTTLE_RATES", {**api_settings.DEFAULT_THROTTLE_RATES, "login": "5/m"})


def test_own_change_keeps_this_session_and_ends_all_others(staff_client, staff, call_api, mailoutbox):
    token, browser = log_in(call_api), Client()
    browser.post("/login", {"email": staff.email, "password": PASSWORD})
    old_key = staff_client.session.session_key
    assert staff_client.post(CHANGE, DATA)["Location"] == "/admin/password_change/done/"
    assert staff_client.get("/admin/password_change/done/").status_code == 200
    assert call_api("GET", "me/", token=token).status_code == 401
    assert (is_logged_in(staff_client), is_logged_in(browser)) == (True, False)
    assert staff_client.session.session_key != old_key
    assert [*Login.objects.exclude(session_key="").values_list("session_key", flat=True)] == [
        staff_client.session.session_key
    ]
    assert [(email.kind, email.to) for email in mailoutbox] == [("password_changed", ["ada@example.com"])]
    assert User.objects.get().check_password(NEW_PASSWORD)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"old_password": "wrong"}, "old_password"),
        ({"old_password": ""}, "old_password"),
        ({"new_password1": "short", "new_password2": "short"}, "new_password2"),
        ({"new_password2": "other"}, "new_password2"),
        ({"new_password1": "a" * 200, "new_password2": "a" * 200}, "new_password2"),
    ],
)
def test_invalid_change_is_shown_beside_its_field(staff_client, staff, mailoutbox, change, field):
    response = staff_client.post(CHANGE, {**DATA, **change})
    assert list(response.context["form"].errors) == [field]
    assert mailoutbox == []
    assert User.objects.get().check_password(PASSWORD)


def test_wrong_passwords_are_limited(staff_client, change_log_in_rate):
    statuses = [
        staff_client.post(CHANGE, {**DATA, "old_password": f"wrong{number}"}).status_code for number in range(8)
    ]
    assert statuses[-1] == 429
    response = staff_client.post(CHANGE, DATA)
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert User.objects.get().check_password(PASSWORD)
    assert staff_client.get(CHANGE).status_code == 200


def test_admin_and_settings_share_one_limit(staff_client, change_log_in_rate):
    for number in range(8):
        staff_client.post("/settings/password", {"password": f"wrong{number}", "new_password": NEW_PASSWORD})
    assert staff_client.post(CHANGE, DATA).status_code == 429


def test_own_password_is_never_set_without_the_old_one(staff_client, staff):
    data = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    for pk in (staff.pk, f"0{staff.pk}", f"+{staff.pk}", f" {staff.pk}", f"{staff.pk}%20"):
        staff_client.post(f"/admin/accounts/user/{pk}/password/", data)
        assert User.objects.get().check_password(PASSWORD), pk


@pytest.mark.parametrize("choice", [{"usable_password": "true"}, {"usable_password": "false", "unset-password": "1"}])
def test_password_set_by_staff_ends_access_and_notifies_once(staff_client, client, call_api, mailoutbox, choice):
    eve = User.objects.create_user("eve@example.com", PASSWORD, email_verified_at="2026-01-01T00:00Z")
    mailoutbox.clear()
    token, browser = log_in(call_api, email=eve.email), Client()
    browser.force_login(eve)
    data = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, **choice}
    assert staff_client.post(f"/admin/accounts/user/{eve.pk}/password/", data).status_code == 302
    assert call_api("GET", "me/", token=token).status_code == 401
    assert not is_logged_in(browser)
    assert [(email.kind, email.to) for email in mailoutbox] == [("password_changed", ["eve@example.com"])]


def test_passwords_set_by_staff_are_limited(staff_client, change_log_in_rate):
    eve = User.objects.create_user("eve@example.com", PASSWORD)
    data = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    statuses = [staff_client.post(f"/admin/accounts/user/{eve.pk}/password/", data).status_code for _ in range(8)]
    assert statuses[-1] == 429


def test_changepassword_command_ends_access_and_notifies(ada, ada_token, call_api, client, sent_emails, monkeypatch):
    client.force_login(ada)
    monkeypatch.setattr("getpass.getpass", lambda *args, **options: NEW_PASSWORD)
    call_command("changepassword", ada.email)
    assert User.objects.get().check_password(NEW_PASSWORD)
    assert call_api("GET", "me/", token=ada_token).status_code == 401
    assert not is_logged_in(client)
    assert [email.kind for email in sent_emails] == ["password_changed"]


@pytest.mark.parametrize("fields", [None, ["password"]])
def test_code_that_saves_a_new_password_ends_access(ada, client, sent_emails, fields):
    client.force_login(ada)
    ada.set_password(NEW_PASSWORD)
    ada.save(update_fields=fields)
    assert not is_logged_in(client)
    assert [email.kind for email in sent_emails] == ["password_changed"]


def test_other_saves_of_a_user_end_nothing(ada, client, sent_emails, settings):
    client.force_login(ada)
    ada.name = "Countess"
    ada.save()
    ada.set_password(NEW_PASSWORD)
    ada.save(update_fields=["name"])
    assert is_logged_in(client)
    assert sent_emails == []


def test_new_hash_of_the_same_password_sends_nothing(ada, post, sent_emails, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    assert post("login/", {"email": ada.email, "password": PASSWORD}).status_code == 200
    assert User.objects.get().password.startswith("pbkdf2")
    assert sent_emails == []


def test_admin_login_makes_the_device_known(staff_client):
    assert "known_device" in staff_client.cookies
