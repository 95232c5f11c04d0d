"""Another address, confirmed and taken back on the pages."""

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.support.browser import link_in, log_in, submit_link, text_of
from accounts.tests.support.users import PASSWORD

NEW = "lovelace@example.com"


@pytest.fixture
def confirm_link(client, outbox, ada) -> str:
    log_in(client)
    client.post("/settings/email", {"email": NEW, "password": PASSWORD})
    return link_in(outbox[-1], "confirm-email-change")


@pytest.fixture
def undo_link(client, outbox, confirm_link) -> str:
    submit_link(client, confirm_link, password=PASSWORD)
    return link_in(outbox[-1], "undo-email-change")


def test_the_old_address_holds_until_the_link_is_used(client, outbox, confirm_link):
    assert outbox[-1].to == [NEW]
    assert "Open the link we emailed to your new address." in text_of(client.get("/settings/email"))
    client.get(confirm_link)
    assert User.objects.get().email == "ada@example.com"


def test_the_link_and_the_password_make_it_the_login(client, confirm_link):
    answer = submit_link(client, confirm_link, password=PASSWORD)
    assert answer["Location"] == "/dashboard"
    assert "From now on, use it to log in." in text_of(client.get("/dashboard"))
    assert log_in(Client(), NEW).status_code == 302


def test_the_link_works_in_another_browser(confirm_link):
    assert submit_link(Client(), confirm_link, password=PASSWORD).status_code == 302
    assert User.objects.get().email == NEW


def test_a_wrong_password_changes_nothing(client, confirm_link):
    answer = submit_link(client, confirm_link, password="wrong")
    assert "The password is incorrect." in text_of(answer)
    assert User.objects.get().email == "ada@example.com"


def test_opening_the_link_that_undoes_changes_nothing(client, outbox, undo_link):
    assert outbox[-1].to == ["ada@example.com"]
    client.get(undo_link)
    assert User.objects.get().email == NEW


def test_undoing_gives_the_address_back_and_logs_everybody_out(client, outbox, undo_link):
    answer = submit_link(Client(), undo_link)
    assert answer["Location"] == "/forgot-password/sent"
    assert User.objects.get().email == "ada@example.com"
    assert client.get("/dashboard").status_code == 302
    assert outbox[-1].to == ["ada@example.com"]
    assert (
        submit_link(client, link_in(outbox[-1], "reset-password"), password="a new sentence, then").status_code == 302
    )


def test_undoing_works_once(client, undo_link):
    submit_link(client, undo_link)
    answer = submit_link(client, undo_link)
    assert answer.status_code == 400
    assert "This link isn't valid, or it has already been used." in text_of(answer)


@pytest.mark.parametrize("page", ["confirm-email-change", "undo-email-change"])
def test_an_incomplete_link_says_what_to_do(client, db, page):
    assert client.get(f"/{page}").status_code == 200
    answer = client.post(f"/{page}", {"password": PASSWORD})
    assert answer.status_code == 400
    assert "The link is incomplete. Open it again from the email." in text_of(answer)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"email": NEW, "password": "wrong"}, "The password is incorrect."),
        ({"email": "ada@example.com", "password": PASSWORD}, "This is already your email address."),
        ({"email": "x", "password": PASSWORD}, "Enter a complete email address"),
    ],
)
def test_a_change_that_is_refused(client, outbox, ada, given, sentence):
    log_in(client)
    answer = client.post("/settings/email", given)
    assert (answer.status_code, text_of(answer).count(sentence)) == (400, 2)
    assert outbox == []
