"""What search engines and previews of links get: titles, descriptions, pictures, robots.txt, and the sitemap."""

import re
import struct
from pathlib import Path
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from django.contrib.staticfiles import finders
from django.urls import get_resolver

from accounts.models import User
from accounts.pages import urls as account_urls
from accounts.tests.support.links import tokens_of
from billing.pages import urls as billing_urls
from tests.support.routes import _sample

SITE = "https://app.example.com"
PUBLIC = ["/", "/pricing", "/signup", "/login", "/terms", "/privacy"]
NOINDEX = '<meta name="robots" content="noindex">'
NAMESPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
PASSWORD = "correct horse battery staple"


def head(html: str) -> dict[str, str]:
    """Return the content of each meta element by name, and the title."""
    found = dict(re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', html))
    [title] = re.findall(r"<title>(.*?)</title>", html, re.DOTALL)
    return {**found, "title": title}


def first_bytes(name: str) -> bytes:
    """Return the beginning of a static file."""
    path = finders.find(name)
    assert path, name
    return Path(path).read_bytes()[:24]


@pytest.fixture
def person(db) -> User:
    return User.objects.create_user("ada@example.com", PASSWORD, name="Ada", email_verified_at="2026-01-01T00:00Z")


def page_paths() -> list[str]:
    """Return the path of every page, from the URL patterns."""
    return [f"/{_sample(entry.pattern)}" for module in (account_urls, billing_urls) for entry in module.urlpatterns]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("path", PUBLIC)
def test_public_page_has_a_preview(client, db, path, language):
    html = client.get(f"{path}?token=secret", headers={"accept-language": language}).content.decode()
    meta = head(html)
    assert NOINDEX not in html
    assert 20 <= len(meta["description"]) <= 160
    assert meta["og:url"] == f"{SITE}{path}"
    assert f'<link rel="canonical" href="{SITE}{path}">' in html
    assert meta["og:title"] == meta["twitter:title"] != ""
    assert meta["og:description"] == meta["twitter:description"] == meta["description"]
    assert meta["og:image"] == meta["twitter:image"] == f"{SITE}/static/share.png"
    assert meta["twitter:card"] == "summary_large_image"
    assert "secret" not in html.partition("</head>")[0]


def test_canonical_url_has_no_slash_at_the_end(client, db):
    assert f'<link rel="canonical" href="{SITE}/pricing">' in client.get("/pricing/").content.decode()


def test_picture_of_the_preview_has_the_announced_size(client, db):
    start = first_bytes("share.png")
    assert start.startswith(b"\x89PNG\r\n\x1a\n")
    meta = head(client.get("/").content.decode())
    assert struct.unpack(">II", start[16:]) == (int(meta["og:image:width"]), int(meta["og:image:height"]))


@pytest.mark.parametrize("who", ["visitor", "user"])
def test_all_other_pages_are_not_indexed(client, person, who):
    if who == "user":
        client.force_login(person)
    checked = 0
    for path in [*page_paths(), "/nothing"]:
        response = client.get(path)
        if response.headers["Content-Type"].startswith("text/html") and path not in PUBLIC and response.content:
            html = response.content.decode()
            assert NOINDEX in html, path
            assert "og:" not in html, path
            checked += 1
    assert checked >= 7


def test_pages_with_a_token_are_not_indexed_and_have_no_preview(client, person):
    unconfirmed = User.objects.create_user("new@example.com", PASSWORD, name="New")
    for path, token in tokens_of(person, unconfirmed).items():
        response = client.get(f"{path}?token={token}")
        html = response.content.decode()
        assert response["X-Robots-Tag"] == "noindex"
        assert NOINDEX in html
        assert "og:" not in html
        assert "canonical" not in html


@pytest.mark.parametrize("language", ["en", "de"])
def test_titles_are_unique(client, person, language):
    """Every page that a user or a visitor can open has a title of its own."""
    unconfirmed = User.objects.create_user("new@example.com", PASSWORD, name="New")
    paths = {path: path for path in [*page_paths(), "/nothing"]}
    paths |= {path: f"{path}?token={token}" for path, token in tokens_of(person, unconfirmed).items()}
    titles: dict[str, str] = {}
    for logged_in in (False, True):
        if logged_in:
            User.objects.update(language=language)
            client.force_login(person)
        for path, url in paths.items():
            response = client.get(url, headers={"accept-language": language})
            if response.status_code in (200, 404) and response.headers["Content-Type"].startswith("text/html"):
                titles[path if response.status_code == 200 else "404"] = head(response.content.decode())["title"]
    assert len(titles) > 20
    assert len({*titles.values()}) == len(titles), titles


def test_sitemap_lists_the_public_pages(client, db):
    response = client.get("/sitemap.xml", headers={"host": "localhost"})
    assert response["Content-Type"].startswith("application/xml")
    locations = [str(node.text) for node in ElementTree.fromstring(response.content).findall("s:url/s:loc", NAMESPACE)]
    assert sorted(locations) == sorted(f"{SITE}{path}" for path in PUBLIC)
    for location in locations:
        assert client.get(location.removeprefix(SITE)).status_code == 200


def robots(client) -> RobotFileParser:
    response = client.get("/robots.txt")
    assert response["Content-Type"].startswith("text/plain")
    parser = RobotFileParser()
    parser.parse(response.content.decode().splitlines())
    return parser


def test_robots_may_read_public_pages_only(client, db, person):
    parser = robots(client)
    assert parser.site_maps() == [f"{SITE}/sitemap.xml"]
    for path in [*PUBLIC, "/static/share.png", "/brand.svg", "/sitemap.xml"]:
        assert parser.can_fetch("Googlebot", path), path
    for path in ["/admin/", "/api/docs/", "/dashboard", "/verify-email?token=x", *login_paths(client)]:
        assert not parser.can_fetch("Googlebot", path), path


def login_paths(client) -> list[str]:
    """Return the pages that lead visitors to the login."""
    responses = {path: client.get(path) for path in page_paths()}
    return [path for path, response in responses.items() if response.headers.get("Location", "").startswith("/login?")]


def test_robots_stay_away_from_development(client, db, settings):
    settings.DEVELOPMENT_ROUTES = True
    parser = robots(client)
    assert not parser.can_fetch("Googlebot", "/")
    assert parser.site_maps() is None


@pytest.mark.parametrize("path", ["/robots.txt", "/sitemap.xml"])
def test_crawler_files_need_no_database_and_are_cached(client, path):
    response = client.get(path)
    assert response.status_code == 200
    assert "max-age=3600" in response["Cache-Control"]
    assert client.post(path).status_code == 405


@pytest.mark.parametrize(
    ("path", "start"), [("/favicon.ico", b"\x00\x00\x01\x00"), ("/apple-touch-icon.png", b"\x89PNG")]
)
def test_icons_are_where_browsers_look_for_them(client, path, start):
    response = client.get(path)
    assert response.status_code == 302
    assert first_bytes(response["Location"].removeprefix("/static/")).startswith(start)


def test_every_page_names_its_icons(client, db):
    html = client.get("/nothing").content.decode()
    for link in re.findall(r'<link rel="(?:icon|apple-touch-icon)" href="([^"]+)"', html):
        path = link.partition("?")[0]
        assert path.startswith("/static/") or get_resolver().resolve(path)
    assert html.count('rel="icon"') == 2
    assert html.count('rel="apple-touch-icon"') == 1
    assert html.count('name="theme-color"') == 2
