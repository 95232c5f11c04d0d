"""Accounts whose address nobody confirmed are deleted after 14 days, and no others."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from knox.models import AuthToken

from accounts import hooks, retention
from accounts.models import EmailChange, Login, User
from accounts.tasks import delete_unconfirmed_accounts
from accounts.tests.support.users import PASSWORD, log_in
from emails.models import OutboundEmail
from emails.tests.support.clock import travel


@pytest.fixture(autouse=True)
def real_outbox(settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"


@pytest.fixture
def newcomer(db) -> User:
    """Provide an account whose owner signed up 15 days ago and never came back."""
    user = User.objects.create_user("new@example.com", PASSWORD, name="New")
    let_pass(days=15)
    return user


def let_pass(**period: float) -> None:
    travel(timedelta(**period))
    User.objects.update(date_joined=F("date_joined") - timedelta(**period))


def test_unconfirmed_account_is_deleted_with_its_emails(newcomer, ada):
    delete_unconfirmed_accounts()
    assert [*User.objects.all()] == [ada]
    assert not OutboundEmail.objects.filter(recipients=newcomer.email).exists()


def test_account_is_kept_until_the_period_ends(newcomer, settings):
    settings.ACCOUNTS_UNCONFIRMED_DAYS = 16
    assert retention.delete_unconfirmed_accounts() == 0
    settings.ACCOUNTS_UNCONFIRMED_DAYS = 1
    assert retention.delete_unconfirmed_accounts() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"email_verified_at": timezone.now()},
        {"last_login": timezone.now()},
        {"is_staff": True},
        {"is_superuser": True},
        {"is_active": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_accounts_are_kept(newcomer, change):
    User.objects.update(**change)
    delete_unconfirmed_accounts()
    assert User.objects.exists()


def test_account_that_was_used_is_kept(newcomer, settings, call_api):
    settings.ACCOUNTS_EMAIL_VERIFICATION = "optional"
    log_in(call_api, email=newcomer.email)
    AuthToken.objects.all().delete()
    delete_unconfirmed_accounts()
    assert User.objects.exists()


@pytest.mark.parametrize("model", [Login, EmailChange])
def test_account_with_history_is_kept(newcomer, model):
    addresses = {"old_address": "old@example.com", "new_address": newcomer.email} if model is EmailChange else {}
    model.objects.create(user=newcomer, **addresses)
    delete_unconfirmed_accounts()
    assert User.objects.exists()


@pytest.mark.parametrize("hook", ["guard", "data"])
def test_account_that_another_app_needs_is_kept(newcomer, monkeypatch, hook):
    """Billing, for example, has data about a person who paid without ever confirming the address."""
    if hook == "guard":
        monkeypatch.setattr("accounts.services.deletion.deletion_guards", [lambda user: "It pays."])
    else:
        monkeypatch.setitem(hooks.export_sources, "payments", lambda user: [user.pk])
    delete_unconfirmed_accounts()
    assert User.objects.exists()


@pytest.mark.parametrize("path", ["email/resend/", "password/reset/"])
def test_account_with_a_link_that_still_works_is_kept(post, newcomer, path):
    post(path, {"email": newcomer.email})
    delete_unconfirmed_accounts()
    assert User.objects.exists()
    let_pass(days=8)
    delete_unconfirmed_accounts()
    assert not User.objects.exists()


def test_address_can_sign_up_again(post, newcomer):
    delete_unconfirmed_accounts()
    post("signup/", {"email": newcomer.email, "name": "New", "password": PASSWORD})
    assert User.objects.get().pk != newcomer.pk


def test_many_accounts_are_deleted_in_batches(db, monkeypatch):
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    for number in range(5):
        User.objects.create_user(f"new-{number}@example.com", is_staff=number == 2)
    let_pass(days=15)
    assert retention.delete_unconfirmed_accounts() == 4
    assert User.objects.get().is_staff


def test_second_run_deletes_nothing(newcomer):
    deletions = [retention.delete_unconfirmed_accounts() for _ in range(2)]
    assert deletions == [1, 0]
