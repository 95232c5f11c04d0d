"""The gallery: every kind of email with its sample, and an explanation if a kind can't be rendered."""

import json
from html import unescape

import pytest
from django.test import Client

from emails.tests.support.fixtures_kinds import write_kind

pytestmark = pytest.mark.urls("emails.tests.support.urls")
__all__ = ["write_kind"]


@pytest.fixture(autouse=True)
def development(settings):
    settings.DEBUG = True


@pytest.fixture
def client() -> Client:
    """A browser on this machine, because no other gets these pages."""
    return Client(HTTP_HOST="localhost")


def test_empty_gallery_explains_kinds(client, write_kind):
    assert "No templates yet" in client.get("/dev/emails/").content.decode()


def test_every_kind_is_shown_with_its_sample(client, write_kind):
    write_kind("welcome")
    write_kind("receipt", sample=json.dumps({"name": "Björk <b>"}))
    page_html = client.get("/dev/emails/").content.decode()
    assert page_html.index('id="receipt"') < page_html.index('id="welcome"')
    assert "Hi Björk &lt;b&gt;" in page_html
    assert '<iframe sandbox src="/dev/emails/welcome/html/?language=en"' in page_html
    frame = client.get("/dev/emails/receipt/html/")
    assert "Hi Björk &lt;b&gt;" in frame.content.decode()
    assert frame["Content-Security-Policy"].endswith("sandbox")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"sample": "{"}, "templates/emails/welcome/sample.json is not JSON"),
        ({"sample": "[]"}, "must contain a JSON object"),
        ({"html": "{% if %}"}, "emails/welcome/body.html, line 1: TemplateSyntaxError"),
        ({"html": "{% include 'nowhere.html' %}"}, "TemplateDoesNotExist: nowhere.html"),
    ],
)
def test_broken_template_is_explained_beside_the_others(client, write_kind, broken, words):
    write_kind("welcome", **broken)
    write_kind("receipt")
    page_html = client.get("/dev/emails/").content.decode()
    assert words in unescape(page_html)
    assert "Hi Ada" in page_html
    assert client.get("/dev/emails/welcome/html/").status_code == 404


@pytest.mark.parametrize("part", ["subject.txt", "body.txt", "body.html", "sample.json"])
def test_missing_part_is_named(client, write_kind, part):
    (write_kind("newsletter") / part).unlink()
    assert f"emails/newsletter/{part}" in client.get("/dev/emails/").content.decode()


def test_language_can_be_switched(client, write_kind, settings):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    write_kind("welcome", html="{% load i18n %}{% get_current_language as l %}<p>language: {{ l }}</p>")
    assert b"language: de" in client.get("/dev/emails/welcome/html/?language=de").content
    assert (
        '<a href="?language=de" aria-current="true">Deutsch</a>'
        in client.get("/dev/emails/?language=de").content.decode()
    )


def test_unknown_language_is_refused(client, write_kind):
    response = client.get("/dev/emails/?language=tlh")
    assert (response.status_code, response.content) == (400, b"LANGUAGES contains only en, de.")
