"""The language of the pages."""

import pytest

from accounts.models import User
from accounts.tests.support.browser import log_in


def language_of(client, path: str = "/", **headers: str) -> str:
    html: str = client.get(path, headers=headers).content.decode()
    return html.partition('<html lang="')[2][:2]


def test_visitor_gets_the_browser_language(client, db):
    assert language_of(client, **{"accept-language": "de-AT,de;q=0.9"}) == "de"
    assert language_of(client, **{"accept-language": "fr"}) == "en"


def test_user_language_overrides_the_browser_language(client, ada):
    User.objects.update(language="de")
    log_in(client)
    assert language_of(client, "/dashboard", **{"accept-language": "en"}) == "de"


def test_chosen_language_is_kept(client, db):
    response = client.post("/language", {"language": "de", "next": "/signup"})
    assert response["Location"] == "/signup"
    assert language_of(client) == "de"


def test_chosen_language_applies_to_email(client, ada):
    log_in(client)
    client.post("/language", {"language": "de", "next": "/dashboard"})
    assert User.objects.get().language == "de"
    assert language_of(client, "/dashboard", **{"accept-language": "en"}) == "de"


def test_signup_in_german_sets_german(client, sent_emails):
    client.post("/language", {"language": "de"})
    client.post("/signup", {"email": "ada@example.com", "name": "Ada", "password": "ein Satz als Passwort"})
    assert User.objects.get().language == "de"


@pytest.mark.parametrize("language", ["xx", "", "de\x00"])
def test_unknown_language_changes_nothing(client, ada, language):
    log_in(client)
    client.post("/language", {"language": language, "next": "https://evil.example.com/"})
    assert User.objects.get().language == "en"
    assert language_of(client, "/dashboard") == "en"


def test_language_choice_never_redirects_to_another_site(client, db):
    response = client.post("/language", {"language": "de", "next": "https://evil.example.com/"})
    assert response["Location"] == "/"
