"""Login and logout through the API, POST /api/accounts/login/ and /logout/.

``post`` posts JSON to a path below /api/accounts/, ``ada`` is a user with a confirmed email address, and
``unconfirmed_user`` is one without.
"""

from datetime import timedelta

import pytest
from django.utils import timezone
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
    assert token not in (stored.digest, stored.token_key)  # token_key holds only the first characters of a token


def test_login_beyond_the_limit_ends_the_least_used_token(post, call_api, ada, settings):
    settings.REST_KNOX = settings.REST_KNOX | {"TOKEN_LIMIT_PER_USER": 3}
    tokens = [post("login/", CREDENTIALS).json()["token"] for _ in range(3)]
    first = AuthToken.objects.earliest("created")
    AuthToken.objects.filter(pk=first.pk).update(expiry=timezone.now() + timedelta(days=60))  # as use would extend it
    AuthToken.objects.create(user=User.objects.create_user("bob@example.com", PASSWORD))
    tokens.append(post("login/", CREDENTIALS).json()["token"])
    assert [call_api("GET", "me/", token=token).status_code for token in tokens] == [200, 401, 200, 200]
    assert AuthToken.objects.exclude(user=ada).count() == 1


def test_token_ends_after_its_maximum_even_if_it_is_used(post, call_api, ada, settings):
    token = post("login/", CREDENTIALS).json()["token"]
    age = settings.REST_KNOX["AUTO_REFRESH_MAX_TTL"] - timedelta(days=1)
    AuthToken.objects.update(created=timezone.now() - age, expiry=timezone.now() + timedelta(hours=1))
    assert call_api("GET", "me/", token=token).status_code == 200
    assert AuthToken.objects.get().expiry <= timezone.now() + timedelta(days=1)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        pytest.param("ada@example.com", "wrong", id="wrong password"),
        pytest.param("gone@example.com", PASSWORD, id="deactivated user"),
        pytest.param("nopassword@example.com", PASSWORD, id="user without a password"),
        pytest.param("nobody@example.com", PASSWORD, id="no user"),
    ],
)
def test_wrong_credentials_get_the_same_response(post, ada, email, password):
    """The response must not reveal who has an account."""
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    User.objects.create_user("nopassword@example.com")
    response = post("login/", {"email": email, "password": password})
    assert (response.status_code, response.json()) == (400, WRONG)


@pytest.mark.parametrize(
    "email", ["ada@example.com", "gone@example.com", "nopassword@example.com", "nobody@example.com"]
)
def test_every_refusal_hashes_one_password(post, settings, email):
    """Hashing takes most of the time of a login, so a response without it would reveal that nobody has this address."""
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
    first = f"Token {post('login/', CREDENTIALS).json()['token']}"
    second = f"Token {post('login/', CREDENTIALS).json()['token']}"
    assert post("logout/", "", HTTP_AUTHORIZATION=first).status_code == 204
    assert client.get("/api/accounts/me/", HTTP_AUTHORIZATION=first).status_code == 401
    assert client.get("/api/accounts/me/", HTTP_AUTHORIZATION=second).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("Token", id="no token"),
        pytest.param("Token a b", id="two tokens"),
        pytest.param("Token unknown", id="unknown token"),
        pytest.param("Token \xff\xfe", id="not ASCII"),
        pytest.param("Token a\x00", id="NUL"),  # a PostgreSQL query with NUL raises an error
        pytest.param("Bearer x", id="another scheme"),
    ],
)
def test_request_without_valid_token_is_refused(post, client, db, header):
    assert client.get("/api/accounts/me/", HTTP_AUTHORIZATION=header).status_code == 401
    assert post("logout/", "", HTTP_AUTHORIZATION=header).status_code == 401


def test_deactivated_user_is_logged_out_immediately(post, client, ada):
    token = post("login/", CREDENTIALS).json()["token"]
    User.objects.update(is_active=False)
    assert client.get("/api/accounts/me/", HTTP_AUTHORIZATION=f"Token {token}").status_code == 401


def test_login_sets_no_session_cookie(post, ada):
    """API clients authenticate with their token only, so that no request needs protection against CSRF."""
    response = post("login/", CREDENTIALS)
    assert not response.cookies
