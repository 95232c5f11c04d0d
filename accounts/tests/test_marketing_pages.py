"""The home page, the terms, and the privacy policy, and the check that reminds the owner to replace their texts."""

import copy
import hashlib
import shutil
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core import checks

from accounts.pages import placeholders
from accounts.tests.support.browser import text_of

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = ROOT / "templates"
PAGES = ["home", "privacy", "terms"]
NOTE = "This text is a placeholder."
OWN_TEXT = '{% extends "marketing/legal.html" %}{% block inside %}<p>Our own terms.</p>{% endblock %}'


@pytest.fixture
def own_templates(settings, tmp_path: Path) -> Path:
    """Return a folder whose templates take precedence over the project's."""
    engines = copy.deepcopy(settings.TEMPLATES)
    engines[0]["DIRS"] = [tmp_path, TEMPLATES]
    settings.TEMPLATES = engines
    (tmp_path / "marketing").mkdir()
    return tmp_path / "marketing"


@pytest.fixture
def copied_templates(settings, tmp_path: Path) -> Path:
    """Return a copy of the project's templates, which replaces them."""
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    engines = copy.deepcopy(settings.TEMPLATES)
    for engine in engines:
        engine["DIRS"] = [tmp_path / "templates"]
    settings.TEMPLATES = engines
    return tmp_path / "templates" / "marketing"


def found(*, deploy: bool = True) -> list[str]:
    """Return the ID and the first word of each warning of the check."""
    messages = checks.run_checks(tags=["accounts"], include_deployment_checks=deploy)
    return sorted(f"{message.id} {message.msg.split()[0]}" for message in messages)


def remaining(*names: str) -> list[str]:
    return sorted([*(f"accounts.W001 marketing/{name}.html" for name in names), "accounts.W004 static/share.png,"])


def test_check_names_every_placeholder_in_production_only():
    assert found() == remaining(*PAGES)
    assert found(deploy=False) == []


def test_check_names_nothing_without_pages(settings):
    settings.PAGES_ENABLED = False
    assert found() == []


def test_hint_names_the_file_and_the_line(copied_templates):
    [warning] = [
        message
        for message in checks.run_checks(tags=["accounts"], include_deployment_checks=True)
        if "terms" in message.msg
    ]
    assert str(copied_templates / "terms.html") in str(warning.hint)
    assert "{% placeholder %}" in str(warning.hint)
    assert not warning.is_serious(checks.ERROR)


@pytest.mark.parametrize("name", PAGES)
def test_deleted_line_ends_the_warning(copied_templates, name):
    path = copied_templates / f"{name}.html"
    path.write_text(path.read_text().replace("{% placeholder %}", ""))
    assert found() == remaining(*{*PAGES} - {name})


def test_template_in_another_folder_counts(client, db, own_templates):
    (own_templates / "terms.html").write_text(OWN_TEXT)
    assert found() == remaining("home", "privacy")
    assert "Our own terms." in text_of(client.get("/terms"))


def test_copied_template_in_another_folder_is_named(own_templates):
    shutil.copy(TEMPLATES / "marketing" / "terms.html", own_templates)
    assert found() == remaining(*PAGES)


def test_text_in_one_language_only_is_not_enough(client, db, own_templates):
    (own_templates / "terms.de.html").write_text(OWN_TEXT)
    assert found() == remaining(*PAGES)
    assert "Our own terms." in text_of(client.get("/terms", headers={"accept-language": "de"}))
    assert "Our own terms." not in text_of(client.get("/terms", headers={"accept-language": "en"}))


def test_one_file_for_each_language_is_enough(own_templates):
    for language in ("en", "de"):
        (own_templates / f"terms.{language}.html").write_text(OWN_TEXT)
    assert found() == remaining("home", "privacy")


def test_commented_out_line_counts_as_deleted(own_templates):
    (own_templates / "terms.html").write_text(OWN_TEXT + "{% comment %}{% placeholder %}{% endcomment %}")
    assert found() == remaining("home", "privacy")


def test_deleted_page_is_reported_and_disappears(client, db, copied_templates):
    (copied_templates / "terms.html").unlink()
    assert found() == sorted([*remaining("home", "privacy"), "accounts.W002 The"])
    assert client.get("/terms").status_code == 404
    assert b'href="/terms"' not in client.get("/").content
    assert b"/terms" not in client.get("/sitemap.xml").content
    assert b"/privacy" in client.get("/sitemap.xml").content


def test_deleted_home_page_is_reported(copied_templates):
    (copied_templates / "home.html").unlink()
    assert found() == sorted([*remaining("privacy", "terms"), "accounts.W002 The"])


def test_broken_template_is_reported_and_other_pages_work(client, db, own_templates):
    (own_templates / "terms.html").write_text("{% load pages %}{% placeholder %}{% nonsense %}")
    assert "accounts.W003 marketing/terms.en.html" in found()
    assert client.get("/privacy").status_code == 200


def test_own_share_image_ends_the_warning(settings, monkeypatch, tmp_path):
    (tmp_path / "share.png").write_bytes(b"\x89PNG our own")
    settings.STATICFILES_DIRS = [tmp_path, *settings.STATICFILES_DIRS]
    monkeypatch.setattr(finders, "find", FileSystemFinder().find)  # Django caches its own
    assert "accounts.W004 static/share.png," not in found()


def test_default_share_image_is_the_one_in_the_repository():
    image = ROOT / "static" / "share.png"
    assert hashlib.sha256(image.read_bytes()).hexdigest() == placeholders.DEFAULT_SHARE_IMAGE


@pytest.mark.parametrize("path", ["/", "/terms", "/privacy"])
def test_note_about_the_placeholder_is_for_developers_only(client, db, settings, path):
    assert NOTE not in text_of(client.get(path))
    settings.DEVELOPMENT_ROUTES = True
    assert NOTE in text_of(client.get(path))


def test_home_page_shows_the_plans_of_the_settings(client, db, settings):
    html = client.get("/").content.decode()
    for plan in settings.BILLING_PLANS:
        assert f'id="plan-{plan["slug"]}"' in html
    settings.BILLING_PLANS = []
    assert 'id="pricing"' not in client.get("/").content.decode()


def test_home_page_leads_users_to_the_dashboard(client, ada):
    assert 'href="/signup"' in client.get("/").content.decode()
    client.force_login(ada)
    html = client.get("/").content.decode()
    assert 'class="button large" href="/dashboard"' in html
    assert 'href="/signup"' not in html
    assert 'action="/billing/checkout"' not in html  # the page's policy allows no form that ends at Stripe
