"""The same security headers on every response, also where the request fails before Django's own middleware."""

import pytest
import requests
from django.test import Client

from tests.support.routes import all_paths
from tests.support.site import Site
from tests.support.stack import HUNG_AFTER

HEADERS = [
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
]


def missing_headers(response) -> list[str]:
    return [name for name in HEADERS if name not in response.headers]


@pytest.mark.parametrize("path", all_paths())
def test_every_route_sends_all_headers(client, db, path):
    for response in (client.get(path), client.post(path)):
        assert missing_headers(response) == []


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/nothing", "/admin/login/"])
def test_unknown_host_over_http_gets_all_headers(settings, path):
    settings.SECURE_SSL_REDIRECT = True
    response = Client().get(path, headers={"host": "evil.example.com"})
    assert (response.status_code, missing_headers(response)) == (400, [])
    redirect = Client().get(path, headers={"host": "testserver"})
    assert (redirect.status_code, missing_headers(redirect)) == (301, [])


def test_static_files_have_all_headers(site: Site):
    html = requests.get(site.url, timeout=HUNG_AFTER).text
    (path,) = [part for part in html.split('"') if part.startswith("/static/site.")]
    assert missing_headers(requests.get(site.url + path, timeout=HUNG_AFTER)) == []


def test_no_feature_of_the_browser_is_allowed(client, db):
    policy = client.get("/login")["Permissions-Policy"]
    assert {"camera=()", "geolocation=()", "microphone=()", "payment=()"} <= set(policy.split(", "))


@pytest.mark.parametrize("path", [path for path in all_paths() if path.startswith("/api/")])
def test_api_is_never_stored(client, db, path):
    for send in (client.get, client.post, client.options):
        is_schema = path.startswith("/api/schema") and send == client.get
        assert send(path)["Cache-Control"] == ("public, max-age=3600" if is_schema else "no-store")
