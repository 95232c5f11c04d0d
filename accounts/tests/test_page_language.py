"""In which language the pages answer."""

import pytest

from accounts.models import User
from accounts.tests.support.browser import log_in


def language_of(client, path: str = "/", **headers: str) -> str:
    html: str = client.get(path, headers=headers).content.decode()
    return html.partition('<html lang="')[2][:2]


def test_a_stranger_is_answered_as_the_browser_asks(client, db):
    assert language_of(client, **{"accept-language": "de-AT,de;q=0.9"}) == "de"
    assert language_of(client, **{"accept-language": "fr"}) == "en"


def test_the_language_of_a_person_goes_before_that_of_the_browser(client, ada):
    User.objects.update(language="de")
    log_in(client)
    assert language_of(client, "/dashboard", **{"accept-language": "en"}) == "de"


def test_a_choice_is_kept(client, db):
    answer = client.post("/language", {"language": "de", "next": "/signup"})
    assert answer["Location"] == "/signup"
    assert language_of(client) == "de"


def test_a_person_who_chooses_gets_mail_in_that_language_too(client, ada):
    log_in(client)
    client.post("/language", {"language": "de", "next": "/dashboard"})
    assert User.objects.get().language == "de"
    assert language_of(client, "/dashboard", **{"accept-language": "en"}) == "de"


def test_who_signs_up_in_german_gets_german_mail(client, outbox):
    client.post("/language", {"language": "de"})
    client.post("/signup", {"email": "ada@example.com", "name": "Ada", "password": "ein Satz als Passwort"})
    assert User.objects.get().language == "de"


@pytest.mark.parametrize("language", ["xx", "", "de\x00"])
def test_an_unknown_language_changes_nothing(client, ada, language):
    log_in(client)
    client.post("/language", {"language": language, "next": "https://evil.example.com/"})
    assert User.objects.get().language == "en"
    assert language_of(client, "/dashboard") == "en"


def test_a_choice_leads_to_no_other_site(client, db):
    answer = client.post("/language", {"language": "de", "next": "https://evil.example.com/"})
    assert answer["Location"] == "/"
