"""A user can change name and language, and nothing else."""

import pytest

from accounts.models import User
from accounts.tests.support.users import ADA, NEW_PASSWORD, PASSWORD


def test_name_and_language_can_be_changed(call_api, ada_token):
    assert call_api("PATCH", "me/", {"name": "Augusta"}, token=ada_token).json()["name"] == "Augusta"
    profile = call_api("PATCH", "me/", {"language": "de"}, token=ada_token).json()
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
def test_other_fields_cannot_be_changed(call_api, ada_token, ada, change):
    response = call_api("PATCH", "me/", {"name": "Eve", **change}, token=ada_token)
    assert (response.status_code, list(response.json())) == (400, [*change])
    before = (ada.name, ada.email, ada.language, ada.is_staff, ada.password)
    ada.refresh_from_db()
    assert (ada.name, ada.email, ada.language, ada.is_staff, ada.password) == before


def test_email_uses_the_users_language(call_api, ada_token, sent_emails):
    call_api("PATCH", "me/", {"language": "de"}, token=ada_token)
    call_api("POST", "password/change/", {"password": PASSWORD, "new_password": NEW_PASSWORD}, token=ada_token)
    assert "Passwort" in sent_emails[0].subject


@pytest.mark.parametrize(
    ("accepted_languages", "language"), [("de-AT, en;q=0.5", "de"), ("fr, en;q=0.5", "en"), ("tlh", "en")]
)
def test_signup_takes_the_language_from_the_request(post, sent_emails, accepted_languages, language):
    post("signup/", ADA, HTTP_ACCEPT_LANGUAGE=accepted_languages)
    assert User.objects.get().language == language
    assert sent_emails[0].subject.startswith("Willkommen" if language == "de" else "Welcome")


def test_errors_use_the_language_of_the_request(post, ada):
    response = post("login/", {"email": ada.email, "password": "wrong"}, HTTP_ACCEPT_LANGUAGE="de")
    assert response.json()["detail"] == "Die E-Mail-Adresse oder das Passwort ist falsch."
