"""Another address: proven first, told to the old one, and undone from there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import hooks, tokens
from accounts.models import EmailChange, User
from accounts.tests.support.users import PASSWORD, log_in, token_in

ON_ITS_WAY = {"detail": "A mail is on its way to the new address. Open its link to complete the change."}
NEW = "countess@example.com"


@pytest.fixture
def change(call, ada, outbox):
    """Change Ada's address as one does; returns what the undo link of the old address holds."""

    def change(address: str = NEW) -> str:
        ada.refresh_from_db()
        token = tokens.make_email_change_token(ada, address)
        assert confirm(call, token).status_code == 200
        return token_in(outbox[-1])

    return change


def ask(call, token, email=NEW, password=PASSWORD):
    return call("POST", "email/change/", {"email": email, "password": password}, token=token)


def confirm(call, token, password=PASSWORD):
    return call("POST", "email/change/confirm/", {"token": token, "password": password})


def undo(call, token):
    return call("POST", "email/change/undo/", {"token": token})


def test_old_address_stays_until_new_one_is_verified(call, token, ada, outbox):
    answer = ask(call, token, "Countess@Example.com")
    assert (answer.status_code, answer.json()) == (202, ON_ITS_WAY)
    [mail] = outbox
    assert (mail.kind, mail.to, mail.sensitive, bool(mail.expires_at)) == ("email_change", [NEW], True, True)
    assert log_in(call)
    assert confirm(call, token_in(mail)).json()["email"] == NEW
    assert log_in(call, email=NEW)
    assert call("GET", "me/", token=token).json()["email"] == NEW


def test_old_address_is_notified_and_can_undo(call, token, ada, outbox, change):
    undo_token = change()
    notice = outbox[-1]
    assert (notice.kind, notice.to, notice.sensitive) == ("email_changed_notice", ["ada@example.com"], True)
    assert timedelta(days=6) < notice.expires_at - timezone.now() <= timedelta(days=7)
    assert undo(call, undo_token).json()["email"] == "ada@example.com"
    assert call("GET", "me/", token=token).status_code == 401
    assert call("POST", "login/", {"email": "ada@example.com", "password": PASSWORD}).status_code == 400
    assert [(mail.kind, mail.to) for mail in outbox[1:]] == [("password_reset", ["ada@example.com"])]


def test_undo_works_once_within_seven_days(call, change, monkeypatch):
    undo_token = change()
    with monkeypatch.context() as patch:
        patch.setattr(tokens, "EMAIL_UNDO_LIFE", timedelta(seconds=-1))
        assert undo(call, undo_token).json()["code"] == "token_expired"
    assert undo(call, undo_token).status_code == 200
    assert undo(call, undo_token).json()["code"] == "token_invalid"


def test_two_changes_do_not_invalidate_the_owners_undo(call, ada, change):
    owners, thiefs = change("thief@example.com"), change("thief-2@example.com")
    assert undo(call, owners).json()["email"] == "ada@example.com"
    assert undo(call, thiefs).json()["code"] == "token_invalid"
    assert not EmailChange.objects.filter(undone_at=None).exists()


def test_password_change_does_not_invalidate_the_undo(call, ada, change):
    undo_token = change()
    ada.set_password("the password of a thief")
    ada.save()
    assert undo(call, undo_token).status_code == 200


def test_undo_replaces_unverified_account_at_the_old_address(call, change):
    undo_token = change()
    squatter = User.objects.create_user("ada@example.com", PASSWORD)
    assert undo(call, undo_token).status_code == 200
    assert not User.objects.filter(pk=squatter.pk).exists()


@pytest.mark.parametrize("reason", ["confirmed", "guarded"])
def test_undo_is_refused_if_old_address_is_taken(call, change, reason, monkeypatch):
    undo_token = change()
    verified_at = timezone.now() if reason == "confirmed" else None
    User.objects.create_user("ada@example.com", PASSWORD, email_verified_at=verified_at)
    monkeypatch.setattr(hooks, "deletion_guards", hooks.deletion_guards)
    if reason == "guarded":
        monkeypatch.setattr("accounts.services.deletion.deletion_guards", [lambda user: "It pays."])
    answer = undo(call, undo_token)
    assert (answer.status_code, answer.json()["code"]) == (409, "address_taken")
    assert EmailChange.objects.filter(undone_at=None).exists()


def test_unverified_address_gets_no_undo(call, unconfirmed, outbox):
    confirm(call, tokens.make_email_change_token(unconfirmed, NEW))
    assert User.objects.get().is_email_verified
    assert outbox == []


def test_taken_address_gets_same_response_and_owner_an_email(call, token, outbox):
    User.objects.create_user("bob@example.com", PASSWORD)
    outbox.clear()
    answer = ask(call, token, "BOB@example.com")
    assert (answer.status_code, answer.json()) == (202, ON_ITS_WAY)
    assert [(mail.kind, mail.to) for mail in outbox] == [("already_registered", ["bob@example.com"])]


def test_address_taken_meanwhile_is_refused(call, ada):
    token = tokens.make_email_change_token(ada, NEW)
    User.objects.create_user(NEW, PASSWORD)
    answer = confirm(call, token)
    assert (answer.status_code, answer.json()["code"]) == (409, "address_taken")
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [("ADA@example.com", PASSWORD, "email"), ("x", PASSWORD, "email"), (NEW, "wrong", "password")],
)
def test_invalid_request_sends_nothing(call, token, outbox, email, password, field):
    answer = ask(call, token, email, password)
    assert (answer.status_code, list(answer.json()), outbox) == (400, [field], [])


def test_confirmation_requires_the_password(call, ada):
    token = tokens.make_email_change_token(ada, NEW)
    assert list(confirm(call, token, "a stranger's guess").json()) == ["password"]
    assert confirm(call, token).status_code == 200
    assert confirm(call, token).json()["code"] == "token_invalid"


def test_first_link_used_wins(call, ada):
    first, second = (tokens.make_email_change_token(ada, f"{n}@example.com") for n in "ab")
    assert confirm(call, second).status_code == 200
    assert confirm(call, first).json()["code"] == "token_invalid"


@pytest.mark.parametrize("change", [{"password": "other"}, {"is_active": False}, {"email": "other@example.com"}])
def test_link_is_invalid_after_account_changes(call, ada, change):
    token = tokens.make_email_change_token(ada, NEW)
    User.objects.update(**change)
    assert confirm(call, token).json()["code"] == "token_invalid"


def test_international_domain_is_normalized(call, token, outbox):
    ask(call, token, "Ada@BÜCHER.example")
    assert confirm(call, token_in(outbox[0])).json()["email"] == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize("path", ["email/change/confirm/", "email/change/undo/"])
def test_get_changes_nothing(call, ada, path):
    assert call("GET", f"{path}?token={tokens.make_email_change_token(ada, NEW)}").status_code == 405
