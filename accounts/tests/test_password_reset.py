"""Password reset through the API: a link that works once and for an hour, and no hint whether an account exists.

``call_api`` sends a request to the API, ``confirm()`` sets a new password with the token of a link, ``sent_emails`` is
the list of the emails sent so far, and ``ada`` is a user with a confirmed email address.
"""

from datetime import timedelta

import pytest
from django.utils import timezone
from knox.models import AuthToken

from accounts import tokens
from accounts.models import User
from accounts.tests.support.users import NEW_PASSWORD, PASSWORD, is_logged_in, log_in, token_in
from accounts.tokens import make_password_reset_token
from emails.models import OutboundEmail

ACCEPTED = {"detail": "If this email address belongs to an account, we've sent it an email with a link."}


def confirm(call_api, token, password=NEW_PASSWORD):
    return call_api("POST", "password/reset/confirm/", {"token": token, "password": password})


def test_emailed_link_sets_a_new_password(call_api, ada, sent_emails):
    response = call_api("POST", "password/reset/", {"email": "ADA@example.com"})
    assert (response.status_code, response.json()) == (202, ACCEPTED)
    [email] = sent_emails
    assert email.kind == "password_reset"
    assert email.to == ["ada@example.com"]
    assert email.sensitive is True
    assert "https://app.example.com/reset-password?token=" in email.body
    assert confirm(call_api, token_in(email)).status_code == 204
    assert log_in(call_api, password=NEW_PASSWORD)
    assert call_api("POST", "login/", {"email": ada.email, "password": PASSWORD}).status_code == 400
    assert [email.kind for email in sent_emails] == ["password_reset", "password_changed"]


def test_email_expires_with_its_link(call_api, ada, sent_emails):
    call_api("POST", "password/reset/", {"email": ada.email})
    left = sent_emails[0].expires_at - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


def test_link_works_once_and_invalidates_other_links(call_api, ada, sent_emails):
    for _ in range(2):
        call_api("POST", "password/reset/", {"email": ada.email})
    first, second = map(token_in, sent_emails)
    assert confirm(call_api, second).status_code == 204
    for used in (second, first):
        response = confirm(call_api, used, "yet another password of mine")
        assert (response.status_code, response.json()["code"]) == (400, "token_invalid")


@pytest.mark.parametrize(
    "change",
    [{"email": "b@example.com"}, {"is_active": False}, {"password": "other"}],
    ids=["email", "active", "password"],
)
def test_link_is_invalid_after_account_changes(call_api, ada, change):
    token = make_password_reset_token(ada)
    User.objects.update(**change)
    assert confirm(call_api, token).json()["code"] == "token_invalid"


def test_link_expires(call_api, ada, monkeypatch):
    token = make_password_reset_token(ada)
    monkeypatch.setattr(tokens, "PASSWORD_RESET_LIFE", timedelta(seconds=-1))
    assert confirm(call_api, token).json()["code"] == "token_expired"


def test_login_does_not_invalidate_the_link(call_api, ada, ada_token):
    """Django's own tokens contain the last login. A user who remembers the password may still use the link."""
    assert confirm(call_api, make_password_reset_token(ada)).status_code == 204


def test_reset_ends_all_tokens_and_sessions(call_api, client, ada_token, ada):
    client.force_login(ada)
    assert is_logged_in(client)
    confirm(call_api, make_password_reset_token(ada))
    assert call_api("GET", "me/", token=ada_token).status_code == 401
    assert not is_logged_in(client)
    assert not AuthToken.objects.exists()


def test_reset_confirms_the_address(call_api, unconfirmed_user):
    """Only the owner of the email address can have received the link."""
    confirm(call_api, make_password_reset_token(unconfirmed_user))
    assert log_in(call_api, email=unconfirmed_user.email, password=NEW_PASSWORD)


def test_weak_password_keeps_the_link_valid(call_api, ada):
    token = make_password_reset_token(ada)
    response = confirm(call_api, token, "short")
    assert (response.status_code, list(response.json())) == (400, ["password"])
    assert confirm(call_api, token).status_code == 204


def test_user_without_password_can_choose_one(call_api, sent_emails):
    User.objects.create_user("nopassword@example.com")
    call_api("POST", "password/reset/", {"email": "nopassword@example.com"})
    assert confirm(call_api, token_in(sent_emails[-1])).status_code == 204


@pytest.mark.parametrize("address", ["nobody@example.com", "gone@example.com"])
def test_missing_account_is_not_revealed(call_api, sent_emails, address):
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    sent_emails.clear()
    response = call_api("POST", "password/reset/", {"email": address})
    assert response.status_code == 202
    assert response.json() == ACCEPTED
    assert sent_emails == []


def test_reset_for_unknown_address_stores_nothing(call_api, settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    call_api("POST", "password/reset/", {"email": "nobody@example.com"})
    assert not OutboundEmail.objects.exists()


def test_invalid_address_is_refused(call_api, db):
    response = call_api("POST", "password/reset/", {"email": "ada"})
    assert (response.status_code, list(response.json())) == (400, ["email"])


def test_get_changes_nothing(call_api, ada):
    """Mail scanners open every link in an email."""
    token = make_password_reset_token(ada)
    assert call_api("GET", f"password/reset/confirm/?token={token}").status_code == 405
    assert confirm(call_api, token).status_code == 204


def test_token_for_another_purpose_is_invalid(call_api, ada):
    assert confirm(call_api, tokens.make_email_change_token(ada, "b@example.com")).json()["code"] == "token_invalid"
