"""Changing the email address on the pages, and undoing it."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.support.browser import link_in, log_in, submit_link, text_of
from accounts.tests.support.users import PASSWORD

NEW = "lovelace@example.com"


@pytest.fixture
def confirm_link(client, sent_emails, ada) -> str:
    log_in(client)
    client.post("/settings/email", {"email": NEW, "password": PASSWORD})
    return link_in(sent_emails[-1], "confirm-email-change")


@pytest.fixture
def undo_link(client, sent_emails, confirm_link) -> str:
    submit_link(client, confirm_link, password=PASSWORD)
    return link_in(sent_emails[-1], "undo-email-change")


def test_old_address_stays_until_link_is_used(client, sent_emails, confirm_link):
    assert sent_emails[-1].to == [NEW]
    assert "Open the link we emailed to your new address." in text_of(client.get("/settings/email"))
    client.get(confirm_link)
    assert User.objects.get().email == "ada@example.com"


def test_link_and_password_change_the_login(client, confirm_link):
    response = submit_link(client, confirm_link, password=PASSWORD)
    assert response["Location"] == "/dashboard"
    assert "From now on, use it to log in." in text_of(client.get("/dashboard"))
    assert log_in(Client(), NEW).status_code == 302


def test_link_works_in_another_browser_and_logs_this_one_out(client, confirm_link):
    assert submit_link(Client(), confirm_link, password=PASSWORD).status_code == 302
    assert User.objects.get().email == NEW
    assert client.get("/dashboard").status_code == 302


def test_change_logs_out_all_other_browsers(client, confirm_link):
    other = Client()
    log_in(other)
    old_key = client.session.session_key
    submit_link(client, confirm_link, password=PASSWORD)
    assert client.get("/dashboard").status_code == 200
    assert client.session.session_key != old_key
    assert other.get("/dashboard").status_code == 302


def test_wrong_password_changes_nothing(client, confirm_link):
    response = submit_link(client, confirm_link, password="wrong")
    assert "The password is incorrect." in text_of(response)
    assert User.objects.get().email == "ada@example.com"


def test_opening_the_undo_link_changes_nothing(client, sent_emails, undo_link):
    assert sent_emails[-1].to == ["ada@example.com"]
    client.get(undo_link)
    assert User.objects.get().email == NEW


def test_undo_restores_the_address_and_logs_everyone_out(client, sent_emails, undo_link):
    response = submit_link(Client(), undo_link)
    assert response["Location"] == "/forgot-password/sent"
    assert User.objects.get().email == "ada@example.com"
    assert client.get("/dashboard").status_code == 302
    assert sent_emails[-1].to == ["ada@example.com"]
    assert (
        submit_link(client, link_in(sent_emails[-1], "reset-password"), password="a new sentence, then").status_code
        == 302
    )


def test_undo_works_once(client, undo_link):
    submit_link(client, undo_link)
    response = submit_link(client, undo_link)
    assert response.status_code == 400
    assert "This link isn't valid, or it has already been used." in text_of(response)


@pytest.mark.parametrize("page", ["confirm-email-change", "undo-email-change"])
def test_incomplete_link_is_explained(client, db, page):
    for response in (client.get(f"/{page}"), client.post(f"/{page}", {"password": PASSWORD})):
        assert response.status_code == 400
        assert "The link is incomplete. Open it again from the email." in text_of(response)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"email": NEW, "password": "wrong"}, "The password is incorrect."),
        ({"email": "ada@example.com", "password": PASSWORD}, "This is already your email address."),
        ({"email": "x", "password": PASSWORD}, "Enter a complete email address"),
    ],
)
def test_invalid_change_is_refused(client, sent_emails, ada, data, sentence):
    log_in(client)
    response = client.post("/settings/email", data)
    assert (response.status_code, text_of(response).count(sentence)) == (400, 2)
    assert sent_emails == []
