"""The gallery: every kind of email with its sample, and an explanation if a kind can't be rendered."""

import json
import re
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


def test_every_kind_has_a_page_with_its_sample(client, write_kind):
    write_kind("welcome")
    write_kind("receipt", sample=json.dumps({"name": "Björk <b>", "paid_on": "2026-11-02", "total": "29.00 USD"}))
    page_html = client.get("/dev/emails/").content.decode()
    assert page_html.index('id="receipt"') < page_html.index('id="welcome"')
    assert "Hi Björk &lt;b&gt;" in page_html
    page_html = client.get("/dev/emails/receipt/").content.decode()
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox" src="/dev/emails/receipt/html/?' in page_html
    assert "language=en" in page_html
    frame = client.get("/dev/emails/receipt/html/")
    assert "Hi Björk &lt;b&gt;" in frame.content.decode()
    assert frame["Content-Security-Policy"].endswith("sandbox allow-popups allow-popups-to-escape-sandbox")
    for tab, words in {
        "text": "Hi Björk",
        "source": "&lt;p&gt;Hi",
        "checks": "There is no preheader",
        "sample": "&quot;name&quot;: &quot;Björk",
        "templates": "templates/emails/receipt/body.html",
    }.items():
        assert words in client.get(f"/dev/emails/receipt/?tab={tab}").content.decode(), tab


def test_unknown_kind_is_404_and_lists_the_kinds(client, write_kind):
    write_kind("welcome")
    response = client.get("/dev/emails/nosuch/")
    assert response.status_code == 404
    assert "There is no kind" in response.content.decode()
    assert client.get("/dev/emails/nosuch/html/").status_code == 404


SCENARIOS = {"name": "Ada", "scenarios": {"with a name": {}, "without": {"name": "friend"}}}


def test_each_scenario_is_shown(client, write_kind):
    write_kind("welcome", sample=json.dumps(SCENARIOS))
    page_html = client.get("/dev/emails/welcome/").content.decode()
    assert "Hi Ada" in page_html
    assert "scenario=without" in page_html
    assert "Hi friend" in client.get("/dev/emails/welcome/?scenario=without").content.decode()
    assert "Hi friend" in client.get("/dev/emails/welcome/html/?scenario=without").content.decode()
    missing = unescape(client.get("/dev/emails/welcome/?scenario=x").content.decode())
    assert "sample.json has no scenario 'x'. The scenarios are: with a name, without." in missing


def test_changed_template_reloads_the_page(client, write_kind):
    folder = write_kind("welcome")
    version = client.get("/dev/emails/live/")["ETag"]
    assert client.get("/dev/emails/live/", headers={"If-None-Match": version}).status_code == 304
    (folder / "body.txt").write_text("Changed")
    assert client.get("/dev/emails/live/", headers={"If-None-Match": version}).status_code == 200


def test_sample_is_sent_to_the_developer(client, write_kind, outbox, provider_api, db):
    write_kind("welcome", sample=json.dumps(SCENARIOS))
    form = {"to": "me@dev.example", "language": "en", "scenario": "without", "next": "/dev/emails/welcome/"}
    assert "resend accepted it" in client.post("/dev/emails/welcome/send/", form, follow=True).content.decode()
    [sent] = provider_api.accepted
    assert (sent.recipients, sent.payload["subject"]) == (["me@dev.example"], "Hi friend")
    bad = client.post("/dev/emails/welcome/send/", {**form, "scenario": "x"}, follow=True).content.decode()
    assert "has no scenario" in bad
    assert len(provider_api.accepted) == 1


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"sample": "{"}, "templates/emails/welcome/sample.json is not JSON: line 1, column 2: "),
        ({"sample": '{"name": 1,\n"name": 2}'}, "sample.json is not JSON: it names 'name' twice"),
        ({"sample": '{"scenarios": ["a"]}'}, "scenarios must be an object"),
        ({"sample": '{"scenarios": {}}'}, "scenarios must be an object"),
        ({"html": "<p>\n{{ surname }}</p>"}, "the variable 'surname', which emails/welcome/body.html uses on line 2."),
        ({"html": "\n\n{% if surname or name %}x{% endif %}"}, "which emails/welcome/body.html uses on line 3."),
        ({"html": "<p>\n\n{{ name|nosuch }}"}, "emails/welcome/body.html, line 3: TemplateSyntaxError: Invalid filter"),
        ({"html": "\n{% widthratio name 0 1 as x %}{% cycle %}"}, "emails/welcome/body.html, line 2: "),
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
    page_html = client.get("/dev/emails/?language=de").content.decode()
    assert re.search(r'<a href="\?language=de" aria-current="true">Deutsch</a>', page_html)


def test_unknown_language_is_refused(client, write_kind):
    response = client.get("/dev/emails/?language=tlh")
    assert (response.status_code, response.content) == (400, b"LANGUAGES contains only en, de.")
