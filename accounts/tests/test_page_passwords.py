"""A forgotten password, and a new one, on the pages."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from knox.models import AuthToken

from accounts.models import User
from accounts.tests.support.browser import hidden_token, link_in, log_in, submit_link, text_of
from accounts.tests.support.users import PASSWORD

NEW = "another sentence for a password"


@pytest.fixture
def reset_link(client, outbox, ada) -> str:
    client.post("/forgot-password", {"email": ada.email})
    return link_in(outbox[-1], "reset-password")


def test_asking_for_a_link_does_not_tell_who_has_an_account(client, outbox, ada):
    texts = [
        text_of(client.post("/forgot-password", {"email": email}, follow=True))
        for email in (ada.email, "no@example.com")
    ]
    assert texts[0] == texts[1].replace("no@", "ada@")
    assert "Check your inbox" in texts[0]
    assert [mail.to for mail in outbox] == [[ada.email]]


def test_a_reset_ends_every_session_and_token(client, ada, post, reset_link):
    elsewhere = Client()
    log_in(elsewhere)
    post("login/", {"email": ada.email, "password": PASSWORD})
    answer = submit_link(client, reset_link, password=NEW)
    assert answer["Location"] == "/login"
    assert "Your new password is set." in text_of(client.get("/login"))
    assert elsewhere.get("/dashboard").status_code == 302
    assert not AuthToken.objects.exists()
    assert [log_in(Client(), password=password).status_code for password in (PASSWORD, NEW)] == [400, 302]


def test_a_reset_in_a_browser_that_is_logged_in_ends_that_session_too(client, ada, reset_link):
    log_in(client)
    assert submit_link(client, reset_link, password=NEW)["Location"] == "/login"
    assert client.get("/dashboard").status_code == 302
    assert not any("_auth_user_id" in session.get_decoded() for session in Session.objects.all())


def test_opening_the_link_changes_nothing(client, ada, reset_link):
    for _ in range(2):
        client.get(reset_link)
    assert User.objects.get().check_password(PASSWORD)
    assert submit_link(client, reset_link, password=NEW).status_code == 302


def test_a_link_works_once(client, ada, reset_link):
    submit_link(client, reset_link, password=NEW)
    answer = submit_link(client, reset_link, password="a third sentence, then")
    assert answer.status_code == 400
    assert "This link isn't valid, or it has already been used." in text_of(answer)
    assert 'href="/forgot-password"' in answer.content.decode()


def test_a_weak_password_is_refused_and_the_link_kept(client, ada, reset_link):
    answer = submit_link(client, reset_link, password="12345678")
    assert answer.status_code == 400
    assert "This password is too common." in text_of(answer)
    assert hidden_token(answer) in reset_link


def test_without_a_token_there_is_only_the_way_to_a_link(client, db):
    assert client.get("/reset-password")["Location"] == "/forgot-password"


def test_a_change_keeps_this_browser_and_ends_the_others(client, ada):
    elsewhere = Client()
    log_in(elsewhere)
    log_in(client)
    answer = client.post("/settings/password", {"password": PASSWORD, "new_password": NEW}, follow=True)
    assert "Your password has been changed" in text_of(answer)
    assert client.get("/dashboard").status_code == 200
    assert elsewhere.get("/dashboard").status_code == 302


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"password": "wrong", "new_password": NEW}, "The password is incorrect."),
        ({"password": PASSWORD, "new_password": "12345678"}, "This password is too common."),
        ({"password": PASSWORD}, "Enter a password."),
    ],
)
def test_a_change_that_is_refused(client, ada, given, sentence):
    log_in(client)
    answer = client.post("/settings/password", given)
    assert (answer.status_code, text_of(answer).count(sentence)) == (400, 2)
    assert User.objects.get().check_password(PASSWORD)
