"""Account deletion: by the owner only, subject to the guards, and complete."""

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts.models import EmailChange, Login, User
from accounts.tests.support.users import ADA, PASSWORD, log_in
from accounts.tokens import make_password_reset_token
from emails.models import ContactChange, OutboundEmail, Status
from emails.retention import purge

DELETE = {"password": PASSWORD}


@pytest.fixture
def recorded_user_token(call_api, settings, django_capture_on_commit_callbacks):
    """The token of a user about whom everything that can be stored is stored."""
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    call_api("POST", "signup/", ADA)
    User.objects.update(email_verified_at=timezone.now())
    token = log_in(call_api)
    user = User.objects.get()
    EmailChange.objects.create(user=user, old_address="lovelace@example.com", new_address=user.email)
    LogEntry.objects.create(
        user=User.objects.create_superuser("root@example.com", name="Root"),
        object_id=str(user.pk),
        action_flag=CHANGE,
        content_type=ContentType.objects.get_for_model(User),
        object_repr=str(user),
    )
    return token


def models_with(*words):
    """The names of the models that contain one of the words in any column of any row."""
    return {
        model.__name__
        for model in apps.get_models()
        if any(word in str([*model._default_manager.values()]) for word in words)
    }


def test_deletion_leaves_only_the_last_email_until_it_is_sent(call_api, recorded_user_token):
    assert models_with("ada@", "Ada", "lovelace") >= {"User", "OutboundEmail", "EmailChange", "LogEntry"}
    assert call_api("DELETE", "me/", DELETE, token=recorded_user_token).status_code == 204
    assert models_with("ada@", "Ada", "lovelace") == {"OutboundEmail"}
    last_email = OutboundEmail.objects.get(status=Status.QUEUED, recipients="ada@example.com")
    assert (last_email.kind, last_email.sensitive) == ("deletion_notice", True)
    OutboundEmail.objects.filter(pk=last_email.pk).update(status=Status.SENT, settled_at=timezone.now(), due_at=None)
    purge()
    assert models_with("ada@", "Ada", "lovelace") == set()


def test_deleted_user_is_logged_out_and_can_sign_up_again(call_api, recorded_user_token):
    call_api("DELETE", "me/", DELETE, token=recorded_user_token)
    assert call_api("GET", "me/", token=recorded_user_token).status_code == 401
    assert not Login.objects.exists()
    assert call_api("POST", "signup/", ADA).status_code == 201


@pytest.mark.parametrize(("data", "field"), [({"password": "wrong"}, "password"), ({}, "password"), (None, "password")])
def test_deletion_requires_the_password(call_api, ada_token, data, field):
    response = call_api("DELETE", "me/", data, token=ada_token)
    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert User.objects.count() == 1


def test_guard_refuses_deletion_with_its_reason(call_api, ada_token, sent_emails, monkeypatch):
    guards = [lambda user: "", lambda user: f"Cancel the subscription of {user} first."]
    monkeypatch.setattr("accounts.services.deletion.deletion_guards", guards)
    response = call_api("DELETE", "me/", DELETE, token=ada_token)
    sentence = "Cancel the subscription of ada@example.com first."
    assert (response.status_code, response.json()) == (409, {"detail": sentence, "code": "deletion_refused"})
    assert (User.objects.count(), sent_emails) == (1, [])


def test_deletion_invalidates_pending_links(call_api, ada_token, ada):
    link = make_password_reset_token(ada)
    call_api("DELETE", "me/", DELETE, token=ada_token)
    data = {"token": link, "password": "another good sentence"}
    assert call_api("POST", "password/reset/confirm/", data).json()["code"] == "token_invalid"


@pytest.mark.parametrize(
    ("other", "forgotten"), [("", {"ada@example.com", "b@example.com"}), ("b", {"ada@example.com"})]
)
def test_deletion_forgets_contacts_at_own_addresses(call_api, ada_token, ada, settings, other, forgotten):
    settings.EMAIL_PROVIDER = "sequenzy"
    EmailChange.objects.create(user=ada, old_address="b@example.com", new_address=ada.email)
    if other:
        User.objects.create_user("b@example.com")
    call_api("DELETE", "me/", DELETE, token=ada_token)
    assert {*ContactChange.objects.filter(action="forget").values_list("address", flat=True)} == forgotten
