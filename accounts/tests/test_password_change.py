"""A new password by whoever knows the old one: this device goes on, all others are out."""

import pytest

from accounts.tests.support.users import NEW_PASSWORD, PASSWORD, is_logged_in, log_in

CHANGE = {"password": PASSWORD, "new_password": NEW_PASSWORD}


def test_change_keeps_this_device_and_ends_all_others(call, client, token, ada, outbox):
    other = log_in(call)
    client.force_login(ada)
    assert call("POST", "password/change/", CHANGE, token=token).status_code == 204
    assert call("GET", "me/", token=token).status_code == 200
    assert call("GET", "me/", token=other).status_code == 401
    assert not is_logged_in(client)
    assert log_in(call, password=NEW_PASSWORD)
    assert [(mail.kind, mail.to) for mail in outbox] == [("password_changed", ["ada@example.com"])]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"password": "wrong"}, "password"), ({"new_password": "short"}, "new_password"), ({"is_staff": 1}, "is_staff")],
)
def test_invalid_change_changes_nothing(call, token, outbox, change, field):
    answer = call("POST", "password/change/", {**CHANGE, **change}, token=token)
    assert (answer.status_code, list(answer.json()), outbox) == (400, [field], [])
    assert log_in(call)


def test_change_requires_a_token(call, ada):
    assert call("POST", "password/change/", CHANGE).status_code == 401
