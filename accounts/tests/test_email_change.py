"""Email change: the new address is verified first, and the old one is notified and can undo the change."""

from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone
from knox.models import AuthToken

from accounts import hooks, tokens
from accounts.device_cookies import SALT
from accounts.models import EmailChange, User
from accounts.services import list_devices
from accounts.tests.support.users import PASSWORD, is_logged_in, log_in, token_in

ACCEPTED = {"detail": "We've sent an email to the new address. Open the link in it to complete the change."}
NEW = "countess@example.com"


@pytest.fixture
def change_address(call_api, ada, sent_emails):
    """Provide a function that changes Ada's email address and returns the token of the undo link."""

    def change_address(address: str = NEW) -> str:
        ada.refresh_from_db()
        token = tokens.make_email_change_token(ada, address)
        assert confirm(call_api, token).status_code == 200
        return token_in(sent_emails[-1])

    return change_address


def request_change(call_api, token, email=NEW, password=PASSWORD):
    return call_api("POST", "email/change/", {"email": email, "password": password}, token=token)


def confirm(call_api, token, password=PASSWORD, api_token=""):
    return call_api("POST", "email/change/confirm/", {"token": token, "password": password}, token=api_token)


def undo(call_api, token):
    return call_api("POST", "email/change/undo/", {"token": token})


def test_old_address_stays_until_new_one_is_verified(call_api, ada_token, ada, sent_emails):
    response = request_change(call_api, ada_token, "Countess@Example.com")
    assert (response.status_code, response.json()) == (202, ACCEPTED)
    [email] = sent_emails
    assert email.kind == "email_change"
    assert email.to == [NEW]
    assert email.sensitive is True
    assert email.expires_at
    assert log_in(call_api)
    assert confirm(call_api, token_in(email)).json()["email"] == NEW
    assert log_in(call_api, email=NEW)


def test_change_logs_out_all_other_devices(call_api, ada_token, ada, client):
    other_token = log_in(call_api)
    client.force_login(ada)
    assert confirm(call_api, tokens.make_email_change_token(ada, NEW), api_token=ada_token).status_code == 200
    assert call_api("GET", "me/", token=ada_token).json()["email"] == NEW
    assert call_api("GET", "me/", token=other_token).status_code == 401
    assert not is_logged_in(client)
    assert [device.is_browser for device in list_devices(user=ada, session_key=None)] == [False]


@pytest.mark.parametrize("api_token", ["", "made-up", "another user's"])
def test_change_without_own_token_logs_out_everywhere(call_api, ada_token, ada, api_token):
    if api_token == "another user's":
        User.objects.create_user("bob@example.com", PASSWORD, email_verified_at=timezone.now())
        api_token = log_in(call_api, email="bob@example.com")
    assert confirm(call_api, tokens.make_email_change_token(ada, NEW), api_token=api_token).status_code == 200
    assert call_api("GET", "me/", token=ada_token).status_code == 401
    assert AuthToken.objects.count() == (1 if len(api_token) > 10 else 0)


def test_change_forgets_known_devices_except_this_one(call_api, ada):
    log_in = call_api("POST", "login/", {"email": ada.email, "password": PASSWORD})
    response = confirm(call_api, tokens.make_email_change_token(ada, NEW))
    generations = [signing.loads(each["Known-Device"], salt=SALT)["generation"] for each in (log_in, response)]
    ada.refresh_from_db()
    assert generations == [0, 1] == [0, ada.session_generation]


def test_old_address_is_notified_and_can_undo(call_api, ada_token, ada, sent_emails, change_address):
    undo_token = change_address()
    notice = sent_emails[-1]
    assert notice.kind == "email_changed_notice"
    assert notice.to == ["ada@example.com"]
    assert notice.sensitive is True
    assert timedelta(days=6) < notice.expires_at - timezone.now() <= timedelta(days=7)
    assert undo(call_api, undo_token).json()["email"] == "ada@example.com"
    assert call_api("GET", "me/", token=ada_token).status_code == 401
    assert call_api("POST", "login/", {"email": "ada@example.com", "password": PASSWORD}).status_code == 400
    assert [(email.kind, email.to) for email in sent_emails[1:]] == [("password_reset", ["ada@example.com"])]


def test_undo_works_once_within_seven_days(call_api, change_address, monkeypatch):
    undo_token = change_address()
    with monkeypatch.context() as patch:
        patch.setattr(tokens, "EMAIL_UNDO_LIFE", timedelta(seconds=-1))
        assert undo(call_api, undo_token).json()["code"] == "token_expired"
    assert undo(call_api, undo_token).status_code == 200
    assert undo(call_api, undo_token).json()["code"] == "token_invalid"


def test_two_changes_do_not_invalidate_the_owners_undo(call_api, ada, change_address):
    owner_undo, thief_undo = change_address("thief@example.com"), change_address("thief-2@example.com")
    assert undo(call_api, owner_undo).json()["email"] == "ada@example.com"
    assert undo(call_api, thief_undo).json()["code"] == "token_invalid"
    assert not EmailChange.objects.filter(undone_at=None).exists()


def test_password_change_does_not_invalidate_the_undo(call_api, ada, change_address):
    undo_token = change_address()
    ada.set_password("the password of a thief")
    ada.save()
    assert undo(call_api, undo_token).status_code == 200


def test_undo_replaces_unverified_account_at_the_old_address(call_api, change_address):
    undo_token = change_address()
    squatter = User.objects.create_user("ada@example.com", PASSWORD)
    assert undo(call_api, undo_token).status_code == 200
    assert not User.objects.filter(pk=squatter.pk).exists()


@pytest.mark.parametrize("reason", ["confirmed", "guarded"])
def test_undo_is_refused_if_old_address_is_taken(call_api, change_address, reason, monkeypatch):
    undo_token = change_address()
    verified_at = timezone.now() if reason == "confirmed" else None
    User.objects.create_user("ada@example.com", PASSWORD, email_verified_at=verified_at)
    monkeypatch.setattr(hooks, "deletion_guards", hooks.deletion_guards)
    if reason == "guarded":
        monkeypatch.setattr("accounts.services.deletion.deletion_guards", [lambda user: "It pays."])
    response = undo(call_api, undo_token)
    assert (response.status_code, response.json()["code"]) == (409, "address_taken")
    assert EmailChange.objects.filter(undone_at=None).exists()


def test_unverified_address_gets_no_undo(call_api, unconfirmed_user, sent_emails):
    confirm(call_api, tokens.make_email_change_token(unconfirmed_user, NEW))
    assert User.objects.get().is_email_verified
    assert sent_emails == []


def test_taken_address_gets_same_response_and_owner_an_email(call_api, ada_token, sent_emails):
    User.objects.create_user("bob@example.com", PASSWORD)
    sent_emails.clear()
    response = request_change(call_api, ada_token, "BOB@example.com")
    assert (response.status_code, response.json()) == (202, ACCEPTED)
    assert [(email.kind, email.to) for email in sent_emails] == [("already_registered", ["bob@example.com"])]


def test_address_taken_meanwhile_is_refused(call_api, ada):
    token = tokens.make_email_change_token(ada, NEW)
    User.objects.create_user(NEW, PASSWORD)
    response = confirm(call_api, token)
    assert (response.status_code, response.json()["code"]) == (409, "address_taken")
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [("ADA@example.com", PASSWORD, "email"), ("x", PASSWORD, "email"), (NEW, "wrong", "password")],
)
def test_invalid_request_sends_nothing(call_api, ada_token, sent_emails, email, password, field):
    response = request_change(call_api, ada_token, email, password)
    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert sent_emails == []


def test_confirmation_requires_the_password(call_api, ada):
    token = tokens.make_email_change_token(ada, NEW)
    assert list(confirm(call_api, token, "a stranger's guess").json()) == ["password"]
    assert confirm(call_api, token).status_code == 200
    assert confirm(call_api, token).json()["code"] == "token_invalid"


def test_first_link_used_wins(call_api, ada):
    first, second = (tokens.make_email_change_token(ada, f"{n}@example.com") for n in "ab")
    assert confirm(call_api, second).status_code == 200
    assert confirm(call_api, first).json()["code"] == "token_invalid"


@pytest.mark.parametrize("change", [{"password": "other"}, {"is_active": False}, {"email": "other@example.com"}])
def test_link_is_invalid_after_account_changes(call_api, ada, change):
    token = tokens.make_email_change_token(ada, NEW)
    User.objects.update(**change)
    assert confirm(call_api, token).json()["code"] == "token_invalid"


def test_international_domain_is_normalized(call_api, ada_token, sent_emails):
    request_change(call_api, ada_token, "Ada@BÜCHER.example")
    assert confirm(call_api, token_in(sent_emails[0])).json()["email"] == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize("path", ["email/change/confirm/", "email/change/undo/"])
def test_get_changes_nothing(call_api, ada, path):
    assert call_api("GET", f"{path}?token={tokens.make_email_change_token(ada, NEW)}").status_code == 405
