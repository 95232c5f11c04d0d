"""Login and logout through the API."""

import pytest
from knox.models import AuthToken

from accounts.models import User
from accounts.tests.support.users import PASSWORD, CountingHasher

CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}
WRONG = {"detail": "The email address or password is incorrect.", "code": "wrong_credentials"}


def test_login_returns_token_and_user(post, client, ada):
    session = post("login/", {**CREDENTIALS, "email": "ADA@Example.com"}).json()
    user = {"id": ada.pk, "email": "ada@example.com", "name": "Ada", "language": "en", "email_verified": True}
    assert set(session) == {"token", "expiry", "user"}
    assert session["user"] == user
    assert client.get("/api/accounts/me", HTTP_AUTHORIZATION=f"Token {session['token']}").json() == user
    ada.refresh_from_db()
    assert ada.last_login is not None


def test_token_is_stored_as_a_digest(post, ada):
    token = post("login/", CREDENTIALS).json()["token"]
    stored = AuthToken.objects.get()
    assert token not in (stored.digest, stored.token_key)


def test_wrong_credentials_get_the_same_response(post, ada):
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    User.objects.create_user("nopassword@example.com")
    for email, password in [
        ("ada@example.com", "wrong"),
        ("gone@example.com", PASSWORD),
        ("nopassword@example.com", PASSWORD),
        ("nobody@example.com", PASSWORD),
    ]:
        response = post("login/", {"email": email, "password": password})
        assert (response.status_code, response.json()) == (400, WRONG)


@pytest.mark.parametrize(
    "email", ["ada@example.com", "gone@example.com", "nopassword@example.com", "nobody@example.com"]
)
def test_every_refusal_hashes_one_password(post, settings, email):
    settings.PASSWORD_HASHERS = ["accounts.tests.support.users.CountingHasher"]
    User.objects.create_user("ada@example.com", PASSWORD)
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    User.objects.create_user("nopassword@example.com")
    CountingHasher.hashed = 0
    post("login/", {"email": email, "password": "wrong"})
    assert CountingHasher.hashed == 1


def test_unconfirmed_address_is_revealed_only_after_the_right_password(post, unconfirmed_user):
    right_password = post("login/", {"email": unconfirmed_user.email, "password": PASSWORD})
    wrong_password = post("login/", {"email": unconfirmed_user.email, "password": "wrong"})
    assert (right_password.status_code, right_password.json()["code"]) == (403, "email_not_verified")
    assert (wrong_password.status_code, wrong_password.json()) == (400, WRONG)
    assert not AuthToken.objects.exists()


def test_verification_can_be_optional(post, unconfirmed_user, settings):
    settings.ACCOUNTS_EMAIL_VERIFICATION = "optional"
    session = post("login/", {"email": unconfirmed_user.email, "password": PASSWORD}).json()
    assert session["user"]["email_verified"] is False


def test_logout_ends_only_this_session(post, client, ada):
    first, second = (f"Token {post('login/', CREDENTIALS).json()['token']}" for _ in range(2))
    assert post("logout/", "", HTTP_AUTHORIZATION=first).status_code == 204
    assert client.get("/api/accounts/me/", HTTP_AUTHORIZATION=first).status_code == 401
    assert client.get("/api/accounts/me/", HTTP_AUTHORIZATION=second).status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Token", "Token a b", "Token unknown", "Token \xff\xfe", "Token a\x00", "Bearer x"]
)
def test_request_without_valid_token_is_refused(post, client, db, header):
    assert client.get("/api/accounts/me/", HTTP_AUTHORIZATION=header).status_code == 401
    assert post("logout/", "", HTTP_AUTHORIZATION=header).status_code == 401


def test_deactivated_user_is_logged_out_immediately(post, client, ada):
    token = post("login/", CREDENTIALS).json()["token"]
    User.objects.update(is_active=False)
    assert client.get("/api/accounts/me/", HTTP_AUTHORIZATION=f"Token {token}").status_code == 401


def test_login_sets_no_session_cookie(post, ada):
    response = post("login/", CREDENTIALS)
    assert not response.cookies
