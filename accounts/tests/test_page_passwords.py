"""Resetting and changing the password on the pages."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from knox.models import AuthToken

from accounts.models import User
from accounts.tests.support.browser import hidden_token, link_in, log_in, submit_link, text_of
from accounts.tests.support.users import PASSWORD

NEW = "another sentence for a password"


@pytest.fixture
def reset_link(client, sent_emails, ada) -> str:
    client.post("/forgot-password", {"email": ada.email})
    return link_in(sent_emails[-1], "reset-password")


def test_reset_request_does_not_reveal_accounts(client, sent_emails, ada):
    texts = [
        text_of(client.post("/forgot-password", {"email": email}, follow=True))
        for email in (ada.email, "no@example.com")
    ]
    assert texts[0] == texts[1].replace("no@", "ada@")
    assert "Check your inbox" in texts[0]
    assert [email.to for email in sent_emails] == [[ada.email]]


def test_reset_ends_every_session_and_token(client, ada, post, reset_link):
    other_browser = Client()
    log_in(other_browser)
    post("login/", {"email": ada.email, "password": PASSWORD})
    response = submit_link(client, reset_link, password=NEW)
    assert response["Location"] == "/login"
    assert "Your new password is set." in text_of(client.get("/login"))
    assert other_browser.get("/dashboard").status_code == 302
    assert not AuthToken.objects.exists()
    assert [log_in(Client(), password=password).status_code for password in (PASSWORD, NEW)] == [400, 302]


def test_reset_ends_the_session_of_the_same_browser(client, ada, reset_link):
    log_in(client)
    assert submit_link(client, reset_link, password=NEW)["Location"] == "/login"
    assert client.get("/dashboard").status_code == 302
    assert not any("_auth_user_id" in session.get_decoded() for session in Session.objects.all())


def test_opening_the_link_changes_nothing(client, ada, reset_link):
    for _ in range(2):
        client.get(reset_link)
    assert User.objects.get().check_password(PASSWORD)
    assert submit_link(client, reset_link, password=NEW).status_code == 302


def test_reset_link_works_once(client, ada, reset_link):
    submit_link(client, reset_link, password=NEW)
    response = submit_link(client, reset_link, password="a third sentence, then")
    assert response.status_code == 400
    assert "This link isn't valid, or it has already been used." in text_of(response)
    assert 'href="/forgot-password"' in response.content.decode()


def test_weak_password_is_refused_and_the_link_kept(client, ada, reset_link):
    response = submit_link(client, reset_link, password="12345678")
    assert response.status_code == 400
    assert "This password is easy to guess" in text_of(response)
    assert hidden_token(response) in reset_link


def test_missing_token_redirects_to_forgot_password(client, db):
    assert client.get("/reset-password")["Location"] == "/forgot-password"


def test_password_change_keeps_only_this_browser(client, ada):
    other_browser = Client()
    log_in(other_browser)
    log_in(client)
    response = client.post("/settings/password", {"password": PASSWORD, "new_password": NEW}, follow=True)
    assert "Your password has been changed" in text_of(response)
    assert client.get("/dashboard").status_code == 200
    assert other_browser.get("/dashboard").status_code == 302


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"password": "wrong", "new_password": NEW}, "The password is incorrect."),
        ({"password": PASSWORD, "new_password": "12345678"}, "This password is easy to guess"),
        ({"password": PASSWORD}, "Enter a password."),
    ],
)
def test_invalid_change_is_refused(client, ada, data, sentence):
    log_in(client)
    response = client.post("/settings/password", data)
    assert (response.status_code, text_of(response).count(sentence)) == (400, 2)
    assert User.objects.get().check_password(PASSWORD)
