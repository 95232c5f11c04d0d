"""The owner of the new email address can make a change final: with the password, the new inbox, and some patience.

``changed_account`` is Ada after she has changed her address, ``wait()`` lets hours pass, ``request_keeping()`` and
``keep()`` are the two steps, and ``undo_link`` is the token of the link in her old inbox.
"""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from django.utils.formats import date_format

from accounts import tokens
from accounts.models import EmailChange, User
from accounts.tests.support.browser import link_in, log_in, submit_link, text_of
from accounts.tests.support.users import PASSWORD, token_in

OLD, NEW = "ada@example.com", "countess@example.com"
ACCEPTED = {"detail": "We've sent you an email. Open the link in it to make the change final."}


def change_address(call_api, new: str = NEW) -> None:
    token = tokens.make_email_change_token(User.objects.get(), new)
    assert call_api("POST", "email/change/confirm/", {"token": token, "password": PASSWORD}).status_code == 200


@pytest.fixture
def undo_link(call_api, ada, sent_emails) -> str:
    change_address(call_api)
    return token_in(sent_emails.pop())


@pytest.fixture
def changed_account(undo_link, post) -> str:
    """Provide an API token of Ada, who has just changed her address."""
    return str(post("login/", {"email": NEW, "password": PASSWORD}).json()["token"])


@pytest.fixture
def request_keeping(call_api, changed_account):
    return lambda password=PASSWORD: call_api(
        "POST", "email/change/keep/", {"password": password}, token=changed_account
    )


def wait(**period: float) -> None:
    EmailChange.objects.update(at=F("at") - timedelta(**period))


def keep(call_api, token: str, password: str = PASSWORD):
    return call_api("POST", "email/change/keep/confirm/", {"token": token, "password": password})


def undo(call_api, token: str):
    return call_api("POST", "email/change/undo/", {"token": token})


def test_change_becomes_final(call_api, request_keeping, undo_link, sent_emails):
    wait(hours=73)
    response = request_keeping()
    assert (response.status_code, response.json()) == (202, ACCEPTED)
    [link] = sent_emails
    assert (link.kind, link.to, link.sensitive) == ("email_keep", [NEW], True)
    assert timedelta(hours=23) < link.expires_at - timezone.now() <= timedelta(hours=24)
    response = keep(call_api, token_in(link))
    assert (response.status_code, response.json()["email"]) == (200, NEW)
    response = undo(call_api, undo_link)
    assert (response.status_code, response.json()["code"]) == (400, "token_invalid")
    assert "final" in response.json()["detail"]
    assert User.objects.get().email == NEW


def test_old_address_is_notified_of_both_steps(call_api, request_keeping, sent_emails, ada):
    """The first notice says how long the undo link is protected."""
    change_address(call_api, "third@example.com")
    change, notice = EmailChange.objects.latest("at"), sent_emails[-1]
    protected_until = change.at + timedelta(hours=72)
    assert f"From {date_format(protected_until, 'DATE_FORMAT')} at" in notice.body
    wait(hours=73)
    token = tokens.make_email_keep_token(User.objects.get())
    assert keep(call_api, token).status_code == 200
    notices = [email for email in sent_emails if email.kind == "email_kept_notice"]
    assert sorted(email.to[0] for email in notices) == [OLD, NEW]
    assert not any("Ada" in email.body for email in notices)


def test_undo_link_is_protected_for_three_days(call_api, request_keeping, undo_link, sent_emails):
    wait(hours=71)
    response = request_keeping()
    assert (response.status_code, response.json()["code"]) == (409, "undo_protected")
    assert 0 < int(response["Retry-After"]) <= 3600
    assert sent_emails == []
    assert undo(call_api, undo_link).status_code == 200


def test_protection_counts_from_the_newest_change(call_api, request_keeping, sent_emails):
    """An attacker who takes over an account whose address was changed days ago must wait as well."""
    wait(hours=100)
    change_address(call_api, "thief@example.com")
    token = tokens.make_email_keep_token(User.objects.get())
    assert keep(call_api, token).json()["code"] == "undo_protected"
    assert not EmailChange.objects.exclude(final_at=None).exists()


def test_period_can_be_configured_and_keeping_switched_off(request_keeping, call_api, settings):
    settings.ACCOUNTS_UNDO_PROTECTED_HOURS = 1
    wait(hours=2)
    assert request_keeping().status_code == 202
    settings.ACCOUNTS_UNDO_PROTECTED_HOURS = 7 * 24
    wait(days=6)
    assert request_keeping().status_code == 409


def test_request_requires_the_password(request_keeping, sent_emails):
    wait(hours=73)
    assert list(request_keeping("wrong").json()) == ["password"]
    assert sent_emails == []


def test_link_requires_the_password_and_works_once(call_api, request_keeping, sent_emails):
    wait(hours=73)
    request_keeping()
    token = token_in(sent_emails[-1])
    assert list(keep(call_api, token, "a guess").json()) == ["password"]
    assert keep(call_api, token).status_code == 200
    assert keep(call_api, token).json()["code"] == "token_invalid"


@pytest.mark.parametrize("change", [{"password": "other"}, {"is_active": False}, {"email": "other@example.com"}])
def test_link_is_invalid_after_account_changes(call_api, request_keeping, sent_emails, change):
    wait(hours=73)
    request_keeping()
    User.objects.update(**change)
    assert keep(call_api, token_in(sent_emails[-1])).json()["code"] == "token_invalid"


def test_undo_ends_the_link(call_api, request_keeping, undo_link, sent_emails):
    wait(hours=73)
    request_keeping()
    token = token_in(sent_emails[-1])
    assert undo(call_api, undo_link).status_code == 200
    assert keep(call_api, token).json()["code"] == "token_invalid"


def test_link_expires(call_api, request_keeping, sent_emails, monkeypatch):
    wait(hours=73)
    request_keeping()
    monkeypatch.setattr(tokens, "EMAIL_KEEP_LIFE", timedelta(seconds=-1))
    assert keep(call_api, token_in(sent_emails[-1])).json()["code"] == "token_expired"


@pytest.mark.parametrize("days", [0, 8])
def test_nothing_to_keep_without_a_working_undo_link(call_api, ada_token, ada, days):
    if days:
        EmailChange.objects.create(user=ada, old_address="old@example.com", new_address=OLD)
        wait(days=days)
    response = call_api("POST", "email/change/keep/", {"password": PASSWORD}, token=ada_token)
    assert (response.status_code, response.json()["code"]) == (409, "nothing_to_keep")


def test_change_from_an_unconfirmed_address_is_final(call_api, unconfirmed_user):
    """That address got no undo link."""
    change_address(call_api)
    assert EmailChange.objects.get().final_at
    token = call_api("POST", "login/", {"email": NEW, "password": PASSWORD}).json()["token"]
    response = call_api("POST", "email/change/keep/", {"password": PASSWORD}, token=token)
    assert response.json()["code"] == "nothing_to_keep"


def test_address_that_was_restored_later_gets_no_notice(call_api, request_keeping, sent_emails):
    change_address(call_api, OLD)
    wait(hours=73)
    sent_emails.clear()
    assert keep(call_api, tokens.make_email_keep_token(User.objects.get())).status_code == 200
    assert [email.to for email in sent_emails] == [[NEW]]


# The pages


@pytest.fixture
def browser(client, changed_account):
    log_in(client, NEW)
    return client


def test_settings_say_from_when_on_a_change_can_be_final(browser):
    page = text_of(browser.get("/settings/email"))
    assert "A link in the inbox of your old email address can undo the change until" in page
    assert "you can make the change final from" in page
    assert "Make the change final" not in page
    assert browser.get("/settings/email/keep").status_code == 200
    response = browser.post("/settings/email/keep", {"password": PASSWORD})
    assert response.status_code == 400


def test_change_becomes_final_on_the_pages(browser, sent_emails, call_api, undo_link):
    wait(hours=73)
    assert "Make the change final" in text_of(browser.get("/settings/email"))
    assert browser.post("/settings/email/keep", {"password": PASSWORD})["Location"] == "/settings/email"
    link = link_in(sent_emails[-1], "keep-email-address")
    browser.get(link)
    assert not EmailChange.objects.exclude(final_at=None).exists()
    assert submit_link(browser, link, password=PASSWORD)["Location"] == "/settings/email"
    page = text_of(browser.get("/settings/email"))
    assert "Your email address is final." in page
    assert "old email address can undo" not in page
    assert undo(call_api, undo_link).status_code == 400


def test_page_has_no_form_if_there_is_nothing_to_keep(client, ada):
    log_in(client)
    page = text_of(client.get("/settings/email/keep"))
    assert "There's nothing to do" in page
    assert "Send link" not in page
