"""The gallery: every kind of mail with its sample, and a sentence where one cannot be rendered."""

import json

import pytest

from emails.tests.support.fixtures_kinds import write_kind

pytestmark = pytest.mark.urls("emails.tests.support.urls")
__all__ = ["write_kind"]


@pytest.fixture(autouse=True)
def development(settings):
    settings.DEBUG = True


def test_an_empty_gallery_says_what_a_kind_is(client, write_kind):
    assert "No templates yet" in client.get("/dev/emails/").content.decode()


def test_every_kind_is_shown_with_its_sample(client, write_kind):
    write_kind("welcome")
    write_kind("receipt", sample=json.dumps({"name": "Björk <b>"}))
    shown = client.get("/dev/emails/").content.decode()
    assert shown.index('id="receipt"') < shown.index('id="welcome"')
    assert "Hi Björk &lt;b&gt;" in shown
    assert '<iframe sandbox src="/dev/emails/welcome/html/?language=en"' in shown
    frame = client.get("/dev/emails/receipt/html/")
    assert "Hi Björk &lt;b&gt;" in frame.content.decode()
    assert frame["Content-Security-Policy"].endswith("sandbox")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"sample": "{"}, "templates/emails/welcome/sample.json is not JSON"),
        ({"sample": "[]"}, "must contain a JSON object"),
        ({"html": "{% if %}"}, "welcome can't be rendered: TemplateSyntaxError"),
        ({"html": "{% include 'nowhere.html' %}"}, "TemplateDoesNotExist: nowhere.html"),
    ],
)
def test_a_broken_template_is_a_sentence_beside_the_others(client, write_kind, broken, words):
    write_kind("welcome", **broken)
    write_kind("receipt")
    shown = client.get("/dev/emails/").content.decode()
    assert words in shown
    assert "Hi Ada" in shown
    assert client.get("/dev/emails/welcome/html/").status_code == 404


@pytest.mark.parametrize("part", ["subject.txt", "body.txt", "body.html", "sample.json"])
def test_a_missing_part_is_a_sentence(client, write_kind, part):
    (write_kind("letter") / part).unlink()
    assert f"emails/letter/{part}" in client.get("/dev/emails/").content.decode()


def test_the_language_can_be_switched(client, write_kind, settings):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    write_kind("welcome", html="{% load i18n %}{% get_current_language as l %}<p>language: {{ l }}</p>")
    assert b"language: de" in client.get("/dev/emails/welcome/html/?language=de").content
    assert (
        '<a href="?language=de" aria-current="true">Deutsch</a>'
        in client.get("/dev/emails/?language=de").content.decode()
    )


def test_a_language_that_is_not_there_is_refused(client, write_kind):
    answer = client.get("/dev/emails/?language=tlh")
    assert (answer.status_code, answer.content) == (400, b"LANGUAGES contains only en, de.")
