"""Another address: proven first, told to the old one, and undone from there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import hooks, tokens
from accounts.models import EmailChange, User
from accounts.tests.support.users import PASSWORD, log_in, token_in

ON_ITS_WAY = {"detail": "We've sent an email to the new address. Open the link in it to complete the change."}
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


def test_the_old_address_stays_until_the_new_one_is_proven(call, token, ada, outbox):
    answer = ask(call, token, "Countess@Example.com")
    assert (answer.status_code, answer.json()) == (202, ON_ITS_WAY)
    [mail] = outbox
    assert (mail.kind, mail.to, mail.sensitive, bool(mail.expires_at)) == ("email_change", [NEW], True, True)
    assert log_in(call)
    assert confirm(call, token_in(mail)).json()["email"] == NEW
    assert log_in(call, email=NEW)
    assert call("GET", "me/", token=token).json()["email"] == NEW


def test_the_old_address_is_told_and_can_undo_it(call, token, ada, outbox, change):
    undo_token = change()
    notice = outbox[-1]
    assert (notice.kind, notice.to, notice.sensitive) == ("email_changed_notice", ["ada@example.com"], True)
    assert timedelta(days=6) < notice.expires_at - timezone.now() <= timedelta(days=7)
    assert undo(call, undo_token).json()["email"] == "ada@example.com"
    assert call("GET", "me/", token=token).status_code == 401
    assert call("POST", "login/", {"email": "ada@example.com", "password": PASSWORD}).status_code == 400
    assert [(mail.kind, mail.to) for mail in outbox[1:]] == [("password_reset", ["ada@example.com"])]


def test_an_undo_works_once_and_for_seven_days(call, change, monkeypatch):
    undo_token = change()
    with monkeypatch.context() as patch:
        patch.setattr(tokens, "EMAIL_UNDO_LIFE", timedelta(seconds=-1))
        assert undo(call, undo_token).json()["code"] == "token_expired"
    assert undo(call, undo_token).status_code == 200
    assert undo(call, undo_token).json()["code"] == "token_invalid"


def test_who_changed_it_twice_cannot_shake_off_the_owner(call, ada, change):
    owners, thiefs = change("thief@example.com"), change("thief-2@example.com")
    assert undo(call, owners).json()["email"] == "ada@example.com"
    assert undo(call, thiefs).json()["code"] == "token_invalid"
    assert not EmailChange.objects.filter(undone_at=None).exists()


def test_who_also_changed_the_password_cannot_either(call, ada, change):
    undo_token = change()
    ada.set_password("the password of a thief")
    ada.save()
    assert undo(call, undo_token).status_code == 200


def test_an_account_made_with_the_old_address_gives_way(call, change):
    undo_token = change()
    squatter = User.objects.create_user("ada@example.com", PASSWORD)
    assert undo(call, undo_token).status_code == 200
    assert not User.objects.filter(pk=squatter.pk).exists()


@pytest.mark.parametrize("reason", ["confirmed", "guarded"])
def test_an_account_that_may_not_go_stands_in_the_way(call, change, reason, monkeypatch):
    undo_token = change()
    verified_at = timezone.now() if reason == "confirmed" else None
    User.objects.create_user("ada@example.com", PASSWORD, email_verified_at=verified_at)
    monkeypatch.setattr(hooks, "deletion_guards", hooks.deletion_guards)
    if reason == "guarded":
        monkeypatch.setattr("accounts.services.deletion.deletion_guards", [lambda user: "It pays."])
    answer = undo(call, undo_token)
    assert (answer.status_code, answer.json()["code"]) == (409, "address_taken")
    assert EmailChange.objects.filter(undone_at=None).exists()


def test_an_address_that_was_never_proven_gets_no_undo(call, unconfirmed, outbox):
    confirm(call, tokens.make_email_change_token(unconfirmed, NEW))
    assert User.objects.get().is_email_verified
    assert outbox == []


def test_a_known_address_gets_the_same_answer_and_its_owner_a_mail(call, token, outbox):
    User.objects.create_user("bob@example.com", PASSWORD)
    outbox.clear()
    answer = ask(call, token, "BOB@example.com")
    assert (answer.status_code, answer.json()) == (202, ON_ITS_WAY)
    assert [(mail.kind, mail.to) for mail in outbox] == [("already_registered", ["bob@example.com"])]


def test_an_address_taken_meanwhile_is_a_clear_refusal(call, ada):
    token = tokens.make_email_change_token(ada, NEW)
    User.objects.create_user(NEW, PASSWORD)
    answer = confirm(call, token)
    assert (answer.status_code, answer.json()["code"]) == (409, "address_taken")
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [("ADA@example.com", PASSWORD, "email"), ("x", PASSWORD, "email"), (NEW, "wrong", "password")],
)
def test_a_mistake_sends_nothing(call, token, outbox, email, password, field):
    answer = ask(call, token, email, password)
    assert (answer.status_code, list(answer.json()), outbox) == (400, [field], [])


def test_only_the_owner_confirms(call, ada):
    token = tokens.make_email_change_token(ada, NEW)
    assert list(confirm(call, token, "a stranger's guess").json()) == ["password"]
    assert confirm(call, token).status_code == 200
    assert confirm(call, token).json()["code"] == "token_invalid"


def test_of_two_links_in_flight_the_first_used_wins(call, ada):
    first, second = (tokens.make_email_change_token(ada, f"{n}@example.com") for n in "ab")
    assert confirm(call, second).status_code == 200
    assert confirm(call, first).json()["code"] == "token_invalid"


@pytest.mark.parametrize("change", [{"password": "other"}, {"is_active": False}, {"email": "other@example.com"}])
def test_a_link_dies_with_what_it_was_made_for(call, ada, change):
    token = tokens.make_email_change_token(ada, NEW)
    User.objects.update(**change)
    assert confirm(call, token).json()["code"] == "token_invalid"


def test_an_international_domain_has_one_form(call, token, outbox):
    ask(call, token, "Ada@BÜCHER.example")
    assert confirm(call, token_in(outbox[0])).json()["email"] == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize("path", ["email/change/confirm/", "email/change/undo/"])
def test_get_changes_nothing(call, ada, path):
    assert call("GET", f"{path}?token={tokens.make_email_change_token(ada, NEW)}").status_code == 405
