"""The export of everything that is stored about a user."""

import json

from accounts.hooks import export_sources
from accounts.models import User
from accounts.tests.support.users import ADA, PASSWORD, log_in


def test_export_contains_everything_stored(call_api, ada, sent_emails, monkeypatch):
    monkeypatch.setitem(export_sources, "payments", lambda user: [{"amount": 2900, "user": user.pk}])
    token = log_in(call_api)
    response = call_api("GET", "me/export/", token=token)
    assert response["Content-Disposition"] == 'attachment; filename="my-data.json"'
    data = response.json()
    assert list(data) == ["profile", "logins", "email_changes", "mails", *export_sources]
    assert data["profile"]["email"] == "ada@example.com"
    assert [login["client_address"] for login in data["logins"]] == ["127.0.0.1"]
    assert data["payments"] == [{"amount": 2900, "user": ada.pk}]


def test_export_contains_email_without_live_links(call_api, db, settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    call_api("POST", "signup/", ADA)
    User.objects.update(email_verified_at="2026-01-01T00:00:00Z")
    [email] = call_api("GET", "me/export/", token=log_in(call_api)).json()["mails"]
    assert email["kind"] == "welcome"
    assert email["to"] == ["ada@example.com"]
    assert email["text"] is None


def test_export_contains_no_secrets_and_nobody_else(call_api, ada_token, ada):
    User.objects.create_user("bob@example.com", PASSWORD, name="Bob")
    text = json.dumps(call_api("GET", "me/export/", token=ada_token).json())
    for secret in (ada.password, ada_token, "bob@", "token_digest", "session_key"):
        assert secret not in text


def test_export_requires_a_token(call_api, db):
    assert call_api("GET", "me/export/").status_code == 401
