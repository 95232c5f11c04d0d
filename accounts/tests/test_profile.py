"""Name and language, and nothing else."""

import pytest

from accounts.models import User
from accounts.tests.support.users import ADA, NEW_PASSWORD, PASSWORD


def test_name_and_language_can_be_changed(call, token):
    assert call("PATCH", "me/", {"name": "Augusta"}, token=token).json()["name"] == "Augusta"
    profile = call("PATCH", "me/", {"language": "de"}, token=token).json()
    assert (profile["name"], profile["language"]) == ("Augusta", "de")


@pytest.mark.parametrize(
    "change",
    [
        {"is_staff": True},
        {"email": "b@example.com"},
        {"email_verified": False},
        {"id": 7},
        {"password": NEW_PASSWORD},
        {"language": "tlh"},
        {"language": None},
        {"name": "evil.example"},
        {"name": ""},
    ],
)
def test_other_fields_cannot_be_changed(call, token, ada, change):
    answer = call("PATCH", "me/", {"name": "Eve", **change}, token=token)
    assert (answer.status_code, list(answer.json())) == (400, [*change])
    before = (ada.name, ada.email, ada.language, ada.is_staff, ada.password)
    ada.refresh_from_db()
    assert (ada.name, ada.email, ada.language, ada.is_staff, ada.password) == before


def test_email_uses_the_users_language(call, token, outbox):
    call("PATCH", "me/", {"language": "de"}, token=token)
    call("POST", "password/change/", {"password": PASSWORD, "new_password": NEW_PASSWORD}, token=token)
    assert "Passwort" in outbox[0].subject


@pytest.mark.parametrize(("spoken", "language"), [("de-AT, en;q=0.5", "de"), ("fr, en;q=0.5", "en"), ("tlh", "en")])
def test_signup_takes_the_language_from_the_request(post, outbox, spoken, language):
    post("signup/", ADA, HTTP_ACCEPT_LANGUAGE=spoken)
    assert User.objects.get().language == language
    assert outbox[0].subject.startswith("Willkommen" if language == "de" else "Welcome")


def test_errors_use_the_language_of_the_request(post, ada):
    answer = post("login/", {"email": ada.email, "password": "wrong"}, HTTP_ACCEPT_LANGUAGE="de")
    assert answer.json()["detail"] == "Die E-Mail-Adresse oder das Passwort ist falsch."
