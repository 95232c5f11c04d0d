"""Verification of the email address through the API, POST /api/accounts/email/verify/.

The link in the welcome email contains a token. The token and the password of the sign-up together confirm the address.
"""

import re
from datetime import timedelta

import pytest
from django.core import signing

from accounts import tokens
from accounts.models import User
from accounts.tests.support.users import ADA, PASSWORD
from accounts.tokens import make_email_verification_token


def test_welcome_link_confirms_and_logs_in(post, sent_emails, client):
    post("signup/", ADA)
    [token] = re.findall(r"verify-email\?token=(\S+)", sent_emails[0].body)
    response = post("email/verify/", {"token": token, "password": PASSWORD})
    assert (response.status_code, set(response.json())) == (200, {"token", "expiry", "user"})
    assert response.json()["user"]["email_verified"] is True
    assert User.objects.get().is_email_verified
    header = f"Token {response.json()['token']}"
    assert client.get("/api/accounts/me/", HTTP_AUTHORIZATION=header).json() == response.json()["user"]
    assert post("login/", {"email": ADA["email"], "password": PASSWORD}).status_code == 200


def test_confirmation_requires_the_signup_password(post, unconfirmed_user):
    token = make_email_verification_token(unconfirmed_user)
    response = post("email/verify/", {"token": token, "password": "the owner's guess"})
    assert (response.status_code, list(response.json())) == (400, ["password"])
    assert not User.objects.get().is_email_verified


def test_get_changes_nothing(client, unconfirmed_user):
    token = make_email_verification_token(unconfirmed_user)
    assert client.get(f"/api/accounts/email/verify/?token={token}").status_code == 405
    assert not User.objects.get().is_email_verified


def test_token_works_once(post, unconfirmed_user):
    token = make_email_verification_token(unconfirmed_user)
    assert post("email/verify/", {"token": token, "password": PASSWORD}).status_code == 200
    assert refusal(post, token) == "token_invalid"


@pytest.mark.parametrize("change", [{"email": "other@example.com"}, {"is_active": False}])
def test_token_is_invalid_after_account_changes(post, unconfirmed_user, change):
    token = make_email_verification_token(unconfirmed_user)
    User.objects.update(**change)
    assert refusal(post, token) == "token_invalid"


def test_token_expires(post, unconfirmed_user, monkeypatch):
    token = make_email_verification_token(unconfirmed_user)
    monkeypatch.setattr(tokens, "EMAIL_VERIFICATION_LIFE", timedelta(seconds=-1))
    assert refusal(post, token) == "token_expired"


@pytest.mark.parametrize("token", ["x", "a:b:c", "é:é:é", "::", "e30:1abcde:x"])
def test_forged_token_is_invalid(post, db, token):
    assert refusal(post, token) == "token_invalid"


def test_token_for_another_purpose_is_invalid(post, unconfirmed_user):
    token = signing.dumps({"user": unconfirmed_user.pk, "email": unconfirmed_user.email}, salt="something else")
    assert refusal(post, token) == "token_invalid"


def refusal(post, token):
    response = post("email/verify/", {"token": token, "password": PASSWORD})
    assert response.status_code == 400
    return response.json()["code"]
