"""Everything that is stored about a person, for that person."""

import json

from accounts.hooks import export_sources
from accounts.models import User
from accounts.tests.support.users import ADA, PASSWORD, log_in


def test_export_contains_everything_stored(call, ada, outbox, monkeypatch):
    monkeypatch.setitem(export_sources, "payments", lambda user: [{"amount": 2900, "user": user.pk}])
    token = log_in(call)
    answer = call("GET", "me/export/", token=token)
    assert answer["Content-Disposition"] == 'attachment; filename="my-data.json"'
    data = answer.json()
    assert list(data) == ["profile", "logins", "email_changes", "mails", *export_sources]
    assert data["profile"]["email"] == "ada@example.com"
    assert [login["client_address"] for login in data["logins"]] == ["127.0.0.1"]
    assert data["payments"] == [{"amount": 2900, "user": ada.pk}]


def test_export_contains_email_without_live_links(call, db, settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    call("POST", "signup/", ADA)
    User.objects.update(email_verified_at="2026-01-01T00:00:00Z")
    [mail] = call("GET", "me/export/", token=log_in(call)).json()["mails"]
    assert (mail["kind"], mail["to"], mail["text"]) == ("welcome", ["ada@example.com"], None)


def test_export_contains_no_secrets_and_nobody_else(call, token, ada):
    User.objects.create_user("bob@example.com", PASSWORD, name="Bob")
    text = json.dumps(call("GET", "me/export/", token=token).json())
    for secret in (ada.password, token, "bob@", "token_digest", "session_key"):
        assert secret not in text


def test_export_requires_a_token(call, db):
    assert call("GET", "me/export/").status_code == 401
