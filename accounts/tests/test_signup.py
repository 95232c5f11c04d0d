"""Sign-up through the API, POST /api/accounts/signup/.

``post`` posts JSON to a path below /api/accounts/, ``sent_emails`` is the list of the emails sent so far, and ``ada``
is an existing user whose email address is also in ``ADA``, the data of a sign-up.
"""

import threading

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.support.users import ADA, PASSWORD, CountingHasher


def test_signup_creates_a_user_and_queues_one_welcome(post, sent_emails):
    response = post("signup/", ADA)
    assert (response.status_code, response.json()) == (
        201,
        {"user": {"email": "ada@example.com", "name": "Ada Lovelace"}},
    )
    assert [message.kind for message in sent_emails] == ["welcome"]
    user = User.objects.get()
    assert user.check_password(PASSWORD)
    assert user.is_staff is False
    assert user.is_superuser is False
    assert user.is_email_verified is False
    assert user.language == "en"


@pytest.mark.parametrize("path", ["signup", "signup/"])
def test_slash_is_optional(post, path):
    assert post(path, ADA).status_code == 201


def test_any_content_type_is_read_as_json(client, db):
    body = '{"email": "ada@example.com", "name": "Ada", "password": "correct horse battery staple"}'
    response = client.post("/api/accounts/signup/", body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("entered", "stored"),
    [
        pytest.param("Ada@Example.COM", "ada@example.com", id="upper case"),
        pytest.param(" ada@example.com ", "ada@example.com", id="spaces"),
        # Domains with other letters than a to z are stored in the form that DNS and mail servers use (IDNA).
        pytest.param("ada@BÜCHER.example", "ada@xn--bcher-kva.example", id="umlaut"),
        # macOS sometimes writes ü as u and a combining diaeresis. Both forms are the same domain.
        pytest.param("ada@bu\u0308cher.example", "ada@xn--bcher-kva.example", id="combining diaeresis"),
    ],
)
def test_address_is_stored_normalized(post, entered, stored):
    assert post("signup/", {**ADA, "email": entered}).json()["user"]["email"] == stored
    assert User.objects.get().email == stored


@pytest.mark.parametrize("address", ["ada@example.com", "ADA@example.com"])
def test_taken_address_gets_same_response_and_owner_an_email(post, sent_emails, ada, address):
    """The response must not reveal who has an account. The name that a stranger entered must not reach the owner."""
    response = post("signup/", {"email": address, "name": "Mallory", "password": "another password of mine"})
    assert (response.status_code, response.json()) == (201, {"user": {"email": "ada@example.com", "name": "Mallory"}})
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert [(message.kind, message.to) for message in sent_emails] == [("already_registered", ["ada@example.com"])]
    assert "Mallory" not in sent_emails[0].body + sent_emails[0].alternatives[0][0]


def test_owner_is_notified_at_most_once_a_day(post, sent_emails, ada):
    """Both emails have the idempotency key of the day, and the outbox sends only one email per key."""
    post("signup/", ADA)
    post("signup/", ADA)
    assert len({message.idempotency_key for message in sent_emails}) == 1


def test_taken_address_costs_the_same_work(post, ada, settings):
    """A faster response to a taken address would reveal who has an account. Hashing takes most of the time."""
    settings.PASSWORD_HASHERS = ["accounts.tests.support.users.CountingHasher"]
    CountingHasher.hashed = 0
    with CaptureQueriesContext(connection) as unknown:
        post("signup/", {**ADA, "email": "unknown@example.com"})
    with CaptureQueriesContext(connection) as known:
        post("signup/", ADA)
    assert CountingHasher.hashed == 2  # one per sign-up
    assert len(known) == len(unknown)


def test_passwords_are_hashed_with_argon2(post, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    post("signup/", ADA)
    assert identify_hasher(User.objects.get().password).algorithm == "argon2"


@pytest.mark.django_db(transaction=True)
def test_parallel_signups_create_one_user(post, mailoutbox):
    if connection.vendor == "sqlite":
        pytest.skip("needs PostgreSQL in DATABASE_URL: SQLite's in-memory test database can't wait for a lock")
    responses = []

    def sign_up() -> None:
        responses.append(post("signup/", ADA).status_code)
        connection.close()

    threads = [threading.Thread(target=sign_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert responses == [201] * 4
    assert User.objects.count() == 1
    assert sorted(message.kind for message in mailoutbox) == ["already_registered"] * 3 + ["welcome"]


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("short", id="too short"),
        pytest.param("password123", id="common"),
        pytest.param("8401975302", id="digits only"),
        pytest.param("ada.lovelace", id="like the email address"),
        pytest.param("adalovelace", id="like the name"),
        pytest.param("a" * 64 + "b" * 65, id="longer than 128 characters"),
    ],
)
def test_weak_password_is_refused(post, sent_emails, password):
    response = post("signup/", {"email": "ada.lovelace@example.com", "name": "Adalovelace", "password": password})
    assert (response.status_code, list(response.json())) == (400, ["password"])
    assert (User.objects.count(), sent_emails) == (0, [])


def test_whitespace_in_a_password_is_kept(post):
    post("signup/", {**ADA, "password": " a password with ends "})
    assert User.objects.get().check_password(" a password with ends ")


def test_outdated_token_is_ignored(post):
    """A front end may still send the token of an earlier login. It must not prevent a sign-up."""
    assert post("signup/", ADA, HTTP_AUTHORIZATION="Token outdated").status_code == 201


def test_get_is_not_allowed(client, db):
    assert client.get("/api/accounts/signup/").status_code == 405
