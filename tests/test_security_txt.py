"""/.well-known/security.txt as RFC 9116 defines it, and /.well-known/change-password."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

PATH = "/.well-known/security.txt"


def fields(client) -> list[tuple[str, str]]:
    response = client.get(PATH)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    lines = response.content.decode().split("\n")
    assert lines.pop() == ""
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


def test_contact_is_the_sender_by_default(client):
    found = fields(client)
    assert [value for name, value in found if name == "Contact"] == ["mailto:hello@acme.example"]
    assert dict(found)["Canonical"] == "https://app.example.com/.well-known/security.txt"
    assert dict(found)["Preferred-Languages"] == "en, de"


def test_contacts_are_configurable_in_their_order(client, settings):
    settings.SECURITY_CONTACT = ["https://acme.example/report", "mailto:security@acme.example"]
    assert [value for name, value in fields(client) if name == "Contact"] == settings.SECURITY_CONTACT


def test_expiry_is_in_the_future_and_less_than_a_year_away(client):
    (expires,) = [value for name, value in fields(client) if name == "Expires"]
    left = datetime.strptime(expires, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(days=170) < left < timedelta(days=365)


def test_only_reading_is_allowed(client):
    assert client.head(PATH).status_code == 200
    assert client.post(PATH).status_code == 405


def test_change_password_leads_to_the_page_and_back_after_a_login(client, db):
    response = client.get(reverse("change-password"))
    assert (response.status_code, response["Location"]) == (302, "/settings/password")
    assert client.get(response["Location"])["Location"] == "/login?next=/settings/password"
    assert client.post(reverse("change-password")).status_code == 405


@pytest.mark.parametrize("path", ["/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"])
def test_other_well_known_paths_are_404(client, path):
    assert client.get(path).status_code == 404  # password managers test whether a site answers unknown paths with 404
