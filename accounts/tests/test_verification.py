import re
from datetime import timedelta

import pytest
from django.core import signing

from accounts import tokens
from accounts.models import User
from accounts.tests.support.users import ADA, PASSWORD
from accounts.tokens import make_email_verification_token


def test_welcome_link_confirms_and_logs_in(post, outbox, client):
    post("signup/", ADA)
    [token] = re.findall(r"verify-email\?token=(\S+)", outbox[0].body)
    answer = post("email/verify/", {"token": token, "password": PASSWORD})
    assert (answer.status_code, set(answer.json())) == (200, {"token", "expiry", "user"})
    assert answer.json()["user"]["email_verified"] is True
    assert User.objects.get().is_email_verified
    header = f"Token {answer.json()['token']}"
    assert client.get("/api/accounts/me/", HTTP_AUTHORIZATION=header).json() == answer.json()["user"]
    assert post("login/", {"email": ADA["email"], "password": PASSWORD}).status_code == 200


def test_confirmation_requires_the_signup_password(post, unconfirmed):
    token = make_email_verification_token(unconfirmed)
    answer = post("email/verify/", {"token": token, "password": "the owner's guess"})
    assert (answer.status_code, list(answer.json())) == (400, ["password"])
    assert not User.objects.get().is_email_verified


def test_get_changes_nothing(client, unconfirmed):
    token = make_email_verification_token(unconfirmed)
    assert client.get(f"/api/accounts/email/verify/?token={token}").status_code == 405
    assert not User.objects.get().is_email_verified


def test_token_works_once(post, unconfirmed):
    token = make_email_verification_token(unconfirmed)
    assert post("email/verify/", {"token": token, "password": PASSWORD}).status_code == 200
    assert refusal(post, token) == "token_invalid"


@pytest.mark.parametrize("change", [{"email": "other@example.com"}, {"is_active": False}])
def test_token_is_invalid_after_account_changes(post, unconfirmed, change):
    token = make_email_verification_token(unconfirmed)
    User.objects.update(**change)
    assert refusal(post, token) == "token_invalid"


def test_token_expires(post, unconfirmed, monkeypatch):
    token = make_email_verification_token(unconfirmed)
    monkeypatch.setattr(tokens, "EMAIL_VERIFICATION_LIFE", timedelta(seconds=-1))
    assert refusal(post, token) == "token_expired"


@pytest.mark.parametrize("token", ["x", "a:b:c", "é:é:é", "::", "e30:1abcde:x"])
def test_forged_token_is_invalid(post, db, token):
    assert refusal(post, token) == "token_invalid"


def test_token_for_another_purpose_is_invalid(post, unconfirmed):
    token = signing.dumps({"user": unconfirmed.pk, "email": unconfirmed.email}, salt="something else")
    assert refusal(post, token) == "token_invalid"


def refusal(post, token):
    answer = post("email/verify/", {"token": token, "password": PASSWORD})
    assert answer.status_code == 400
    return answer.json()["code"]
