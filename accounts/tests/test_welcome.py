"""The welcome email."""

import re

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.tests.support.users import ADA, PASSWORD
from emails.models import OutboundEmail


def test_welcome_links_and_does_not_greet_by_name(sent_emails):
    user = User.objects.create_user("ada@example.com", PASSWORD, name="Ada")
    [message] = sent_emails
    assert (message.kind, message.to) == ("welcome", ["ada@example.com"])
    assert (message.idempotency_key, message.metadata) == (f"welcome:{user.pk}", {"user_id": str(user.pk)})
    assert message.expires_at is None
    for part in (message.body, message.alternatives[0][0]):
        assert "Hello," in part
        assert "https://app.example.com/dashboard" in part
        assert re.search(r"https://app\.example\.com/verify-email\?token=[\w:-]+", part)


def test_only_email_with_confirm_link_is_sensitive(sent_emails):
    User.objects.create_user("ada@example.com", PASSWORD)
    User.objects.create_user("bob@example.com", PASSWORD, email_verified_at=timezone.now())
    assert [message.sensitive for message in sent_emails] == [True, False]
    assert ["verify-email" in message.body for message in sent_emails] == [True, False]
    assert sent_emails[0].body.startswith("Hello,\n")


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{ brand }}", "O'Brien & <b>", "👩🏽‍💻", "עדה"])
def test_name_is_plain_text(post, sent_emails, ada, name):
    User.objects.update(name=name)
    post("password/reset/", {"email": ada.email})
    [message] = sent_emails
    assert f"Hello {name}," in message.body
    assert "<script>" not in message.alternatives[0][0]
    assert "<b>" not in message.alternatives[0][0]


def test_updating_a_user_sends_nothing(sent_emails, ada):
    ada.name = "Augusta"
    ada.save()
    assert sent_emails == []


def test_createsuperuser_sends_welcome_and_confirms(sent_emails, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", "--email", "Root@example.com", verbosity=0)
    user = User.objects.get(email="root@example.com")
    assert user.is_staff is True
    assert user.is_superuser is True
    assert user.is_email_verified is True
    assert [message.kind for message in sent_emails] == ["welcome"]


def test_loading_a_fixture_sends_nothing(sent_emails, tmp_path, ada):
    fixture = tmp_path / "people.json"
    call_command("dumpdata", "accounts.user", natural_primary=True, output=str(fixture))
    ada.delete()
    call_command("loaddata", str(fixture), verbosity=0)
    assert User.objects.filter(email="ada@example.com").exists()
    assert sent_emails == []


@pytest.mark.django_db(transaction=True)
def test_rolled_back_signup_sends_nothing(sent_emails, settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    with pytest.raises(RuntimeError), transaction.atomic():
        User.objects.create_user("ada@example.com", PASSWORD)
        raise RuntimeError
    assert queued_kinds() == []


@pytest.mark.django_db(transaction=True)
def test_user_is_not_saved_if_email_cannot_be_queued(sent_emails, settings):
    settings.EMAIL_BACKEND = "emails.backends.missing.Backend"
    with pytest.raises(ImportError):
        User.objects.create(email="ada@example.com")
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_outbox_holds_one_welcome_and_one_notice_a_day(post, settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    for _ in range(3):
        assert post("signup/", ADA).status_code == 201
    assert queued_kinds() == ["already_registered", "welcome"]


def queued_kinds() -> list[str]:
    return sorted(OutboundEmail.objects.values_list("kind", flat=True))
