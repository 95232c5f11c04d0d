"""Who forgot the password gets a link, once and for an hour; nobody learns whether there is an account."""

from datetime import timedelta

import pytest
from django.utils import timezone
from knox.models import AuthToken

from accounts import tokens
from accounts.models import User
from accounts.tests.support.users import NEW_PASSWORD, PASSWORD, is_logged_in, log_in, token_in
from accounts.tokens import make_password_reset_token
from emails.models import OutboundEmail

ON_ITS_WAY = {"detail": "If this email address belongs to an account, we've sent it an email with a link."}


def confirm(call, token, password=NEW_PASSWORD):
    return call("POST", "password/reset/confirm/", {"token": token, "password": password})


def test_the_link_of_the_mail_sets_a_new_password(call, ada, outbox):
    answer = call("POST", "password/reset/", {"email": "ADA@example.com"})
    assert (answer.status_code, answer.json()) == (202, ON_ITS_WAY)
    [mail] = outbox
    assert (mail.kind, mail.to, mail.sensitive) == ("password_reset", ["ada@example.com"], True)
    assert "https://app.example.com/reset-password?token=" in mail.body
    assert confirm(call, token_in(mail)).status_code == 204
    assert log_in(call, password=NEW_PASSWORD)
    assert call("POST", "login/", {"email": ada.email, "password": PASSWORD}).status_code == 400
    assert [mail.kind for mail in outbox] == ["password_reset", "password_changed"]


def test_the_mail_dies_with_its_link(call, ada, outbox):
    call("POST", "password/reset/", {"email": ada.email})
    left = outbox[0].expires_at - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


def test_a_link_works_once_and_another_in_flight_dies_with_it(call, ada, outbox):
    for _ in range(2):
        call("POST", "password/reset/", {"email": ada.email})
    first, second = map(token_in, outbox)
    assert confirm(call, second).status_code == 204
    for used in (second, first):
        answer = confirm(call, used, "yet another password of mine")
        assert (answer.status_code, answer.json()["code"]) == (400, "token_invalid")


@pytest.mark.parametrize("change", [{"email": "b@example.com"}, {"is_active": False}, {"password": "other"}])
def test_a_link_dies_with_what_it_was_made_for(call, ada, change):
    token = make_password_reset_token(ada)
    User.objects.update(**change)
    assert confirm(call, token).json()["code"] == "token_invalid"


def test_a_link_expires(call, ada, monkeypatch):
    token = make_password_reset_token(ada)
    monkeypatch.setattr(tokens, "PASSWORD_RESET_LIFE", timedelta(seconds=-1))
    assert confirm(call, token).json()["code"] == "token_expired"


def test_a_login_does_not_kill_the_link(call, ada, token):
    assert confirm(call, make_password_reset_token(ada)).status_code == 204


def test_a_reset_ends_all_tokens_and_sessions(call, client, token, ada):
    client.force_login(ada)
    assert is_logged_in(client)
    confirm(call, make_password_reset_token(ada))
    assert call("GET", "me/", token=token).status_code == 401
    assert not is_logged_in(client)
    assert not AuthToken.objects.exists()


def test_a_reset_proves_the_address(call, unconfirmed):
    confirm(call, make_password_reset_token(unconfirmed))
    assert log_in(call, email=unconfirmed.email, password=NEW_PASSWORD)


def test_a_weak_password_leaves_the_link_alive(call, ada):
    token = make_password_reset_token(ada)
    answer = confirm(call, token, "short")
    assert (answer.status_code, list(answer.json())) == (400, ["password"])
    assert confirm(call, token).status_code == 204


def test_who_never_had_a_password_can_choose_one(call, outbox):
    User.objects.create_user("nopassword@example.com")
    call("POST", "password/reset/", {"email": "nopassword@example.com"})
    assert confirm(call, token_in(outbox[-1])).status_code == 204


@pytest.mark.parametrize("address", ["nobody@example.com", "gone@example.com"])
def test_nobody_learns_that_there_is_no_account(call, outbox, address):
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    outbox.clear()
    answer = call("POST", "password/reset/", {"email": address})
    assert (answer.status_code, answer.json(), outbox) == (202, ON_ITS_WAY, [])


def test_nothing_is_left_of_the_work_for_nobody(call, settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    call("POST", "password/reset/", {"email": "nobody@example.com"})
    assert not OutboundEmail.objects.exists()


def test_a_bad_address_is_refused(call, db):
    answer = call("POST", "password/reset/", {"email": "ada"})
    assert (answer.status_code, list(answer.json())) == (400, ["email"])


def test_get_changes_nothing(call, ada):
    token = make_password_reset_token(ada)
    assert call("GET", f"password/reset/confirm/?token={token}").status_code == 405
    assert confirm(call, token).status_code == 204


def test_a_token_of_another_purpose_is_invalid(call, ada):
    assert confirm(call, tokens.make_email_change_token(ada, "b@example.com")).json()["code"] == "token_invalid"
