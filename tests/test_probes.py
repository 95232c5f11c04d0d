"""/healthz and /readyz respond to any client, however it connects, and tell strangers the states only."""

from datetime import timedelta

import pytest
from django.core.signing import b62_encode
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from accounts.models import User
from emails.models import ProviderState

TOKEN = "0123456789abcdef" * 2
REASON = "The API key is wrong. See the account of Ada."


@pytest.fixture
def paused_provider(db, settings) -> None:
    """Make the provider wait for a person, with a reason that only the operator may read."""
    settings.METRICS_TOKEN = TOKEN
    settings.EMAIL_PROVIDER, settings.EMAIL_DELIVERY_BACKEND = "resend", ""
    ProviderState.objects.create(
        name="resend",
        reason=ProviderState.PauseReason.CONFIGURATION,
        detail=REASON,
        paused_until=timezone.now() + timedelta(hours=1),
    )


def log_in(*, is_staff: bool, **fields: object) -> Client:
    user = User.objects.create_user("ada@example.com", "correct horse", is_staff=is_staff, **fields)
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("path", ["/healthz", "/healthz/", "/readyz", "/readyz/"])
def test_probe_by_ip_over_http_succeeds(client, db, settings, path):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(path, headers={"host": "10.1.2.3:8000"}).status_code == 200


def test_other_paths_refuse_an_unknown_host(client, settings):
    assert client.get("/admin/", headers={"host": "10.1.2.3:8000"}).status_code == 400


def test_stranger_sees_states_only(client, paused_provider):
    response = client.get("/readyz")
    assert response.json() == {
        "status": "degraded",
        "checks": {
            "database": "ok",
            "migrations": "ok",
            "cache": "ok",
            "outbox": {"due": 0, "oldest_seconds": None},
            "providers": {"provider 1": {"state": "misconfigured"}},
        },
    }


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN}"])
def test_token_shows_names_and_reasons(client, paused_provider, header):
    checks = client.get("/readyz", headers={"authorization": header}).json()["checks"]
    assert checks["providers"] == {"resend": {"state": "misconfigured", "reason": REASON}}


def test_staff_sees_names_and_reasons(paused_provider):
    assert REASON in log_in(is_staff=True).get("/readyz").content.decode()


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Token {TOKEN}", TOKEN, "Bearer \xff\x00"],
)
def test_other_headers_show_no_details(client, paused_provider, authorization):
    response = client.get("/readyz", headers={"authorization": authorization})
    assert response.status_code == 200
    assert b"resend" not in response.content


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer "])
def test_unset_token_opens_nothing(client, paused_provider, settings, authorization):
    settings.METRICS_TOKEN = ""
    assert b"resend" not in client.get("/readyz", headers={"authorization": authorization}).content


@pytest.mark.parametrize("cookie", ["", "x", "\x00" * 10, "\xff" * 40, '"\\000aaaaaaaaaa"', b62_encode(10**60)])
def test_unreadable_session_shows_no_details(client, paused_provider, settings, cookie):
    response = client.get("/readyz", headers={"cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"})
    assert response.status_code == 200
    assert b"resend" not in response.content


@pytest.mark.parametrize("fields", [{"is_staff": False}, {"is_staff": True, "is_active": False}], ids=str)
def test_other_users_see_no_details(paused_provider, fields):
    assert b"resend" not in log_in(**fields).get("/readyz").content


def test_ended_session_shows_no_details(paused_provider):
    client = log_in(is_staff=True)
    User.objects.update(password="changed")
    assert b"resend" not in client.get("/readyz").content


def test_missing_migration_is_503_without_details(client, db, settings):
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/readyz").status_code == 200
    newest = MigrationRecorder.Migration.objects.filter(app="billing").latest("name")
    newest.delete()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["checks"]["migrations"]) == (503, "pending")
    details = client.get("/readyz", headers={"authorization": f"Bearer {TOKEN}"}).json()
    assert "migrate" in details["checks"]["migrations"]
