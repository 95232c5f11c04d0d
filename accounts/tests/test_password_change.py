"""Changing the password with the old one: this device stays logged in, and all others are logged out."""

import pytest

from accounts.tests.support.users import NEW_PASSWORD, PASSWORD, is_logged_in, log_in

CHANGE = {"password": PASSWORD, "new_password": NEW_PASSWORD}


def test_change_keeps_this_device_and_ends_all_others(call_api, client, ada_token, ada, sent_emails):
    other = log_in(call_api)
    client.force_login(ada)
    assert call_api("POST", "password/change/", CHANGE, token=ada_token).status_code == 204
    assert call_api("GET", "me/", token=ada_token).status_code == 200
    assert call_api("GET", "me/", token=other).status_code == 401
    assert not is_logged_in(client)
    assert log_in(call_api, password=NEW_PASSWORD)
    assert [(email.kind, email.to) for email in sent_emails] == [("password_changed", ["ada@example.com"])]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"password": "wrong"}, "password"), ({"new_password": "short"}, "new_password"), ({"is_staff": 1}, "is_staff")],
)
def test_invalid_change_changes_nothing(call_api, ada_token, sent_emails, change, field):
    response = call_api("POST", "password/change/", {**CHANGE, **change}, token=ada_token)
    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert sent_emails == []
    assert log_in(call_api)


def test_change_requires_a_token(call_api, ada):
    assert call_api("POST", "password/change/", CHANGE).status_code == 401
