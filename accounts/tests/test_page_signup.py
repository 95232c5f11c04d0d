"""Signing up on the pages: form, mail, link, password, dashboard."""

import pytest

from accounts.models import User
from accounts.tests.support.browser import hidden_token, link_in, submit_link, text_of
from accounts.tests.support.users import ADA, PASSWORD


@pytest.fixture
def confirm_link(client, outbox) -> str:
    client.post("/signup", ADA)
    return link_in(outbox[-1], "verify-email")


def test_a_sign_up_leads_to_the_advice_to_look_into_the_inbox(client, outbox):
    answer = client.post("/signup", ADA, follow=True)
    assert answer.redirect_chain == [("/welcome", 302)]
    assert "Check your inbox" in text_of(answer)
    assert "ada@example.com" in text_of(answer)
    assert [mail.to for mail in outbox] == [["ada@example.com"]]


def test_an_address_with_an_account_looks_the_same(client, outbox, ada):
    known = client.post("/signup", ADA, follow=True)
    unknown = client.post("/signup", {**ADA, "email": "new@example.com"}, follow=True)
    assert text_of(known) == text_of(unknown).replace("new@", "ada@")
    assert not known.context["user"].is_authenticated


def test_the_link_asks_for_the_password_and_logs_in(client, confirm_link):
    answer = submit_link(client, confirm_link, password=PASSWORD)
    assert answer["Location"] == "/dashboard"
    assert "Your email address is confirmed." in text_of(client.get("/dashboard"))
    assert User.objects.get().is_email_verified


def test_opening_the_link_changes_nothing(client, confirm_link):
    for _ in range(2):
        assert client.get(confirm_link).status_code == 200
        assert client.head(confirm_link).status_code == 200
    user = User.objects.get()
    assert (user.is_email_verified, user.last_login) == (False, None)


def test_a_wrong_password_keeps_the_token_and_says_so(client, confirm_link):
    answer = submit_link(client, confirm_link, password="wrong")
    assert answer.status_code == 400
    assert "This isn't the password you signed up with." in text_of(answer)
    assert hidden_token(answer) in confirm_link
    assert not User.objects.get().is_email_verified


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\x00", "x" * 2000])
def test_a_broken_link_leads_to_a_new_one(client, db, token):
    answer = client.post("/verify-email", {"token": token, "password": PASSWORD})
    assert answer.status_code == 400
    assert 'href="/welcome"' in answer.content.decode()


def test_a_link_without_a_token_leads_to_the_advice(client, db):
    assert client.get("/verify-email")["Location"] == "/welcome"


def test_the_mail_can_be_sent_again(client, outbox, confirm_link):
    answer = client.post("/welcome", {"email": "ada@example.com"}, follow=True)
    assert "we've sent it another email" in text_of(answer)
    assert [mail.to for mail in outbox] == [["ada@example.com"]] * 2
    assert submit_link(client, link_in(outbox[-1], "verify-email"), password=PASSWORD).status_code == 302


def test_sending_again_does_not_tell_who_has_an_account(client, outbox, ada):
    texts = [text_of(client.post("/welcome", {"email": email}, follow=True)) for email in (ada.email, "no@example.com")]
    assert texts[0] == texts[1].replace("no@", "ada@")
    assert outbox == []


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("email", "", "Enter an email address."),
        ("email", "ada", "Enter a complete email address"),
        ("name", "", "Enter your name."),
        ("name", "www.example.com", "A name can't contain a web address."),
        ("password", "", "Enter a password."),
        ("password", "short", "This password is too short."),
        ("password", "ada@example.com", "The password is too similar to the email address."),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_at_the_top(client, outbox, field, value, sentence):
    answer = client.post("/signup", {**ADA, field: value})
    html = answer.content.decode()
    assert answer.status_code == 400
    assert text_of(answer).count(sentence) == 2
    assert f'href="#id_{field}"' in html
    assert f'id="id_{field}_error"' in html
    assert 'role="alert" tabindex="-1" autofocus' in html
    assert outbox == []


def test_values_are_kept_except_the_password(client, db):
    html = client.post("/signup", {**ADA, "email": "ada"}).content.decode()
    assert 'value="Ada Lovelace"' in html
    assert 'value="ada"' in html
    assert PASSWORD not in html


def test_nobody_gives_himself_rights(client, outbox):
    client.post("/signup", {**ADA, "is_staff": "1", "is_superuser": "1", "email_verified_at": "2020-01-01", "id": "7"})
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.email_verified_at) == (False, False, None)
