"""Sign-up on the pages: form, email, link, password, dashboard.

``confirm_link`` signs up with the data in ``ADA`` and is the link in the email that follows. ``submit_link()`` opens
such a link and submits the form on its page. ``text_of(response)`` is the visible text of a page.
"""

import pytest

from accounts.models import User
from accounts.tests.support.browser import hidden_token, link_in, submit_link, text_of
from accounts.tests.support.users import ADA, PASSWORD


@pytest.fixture
def confirm_link(client, sent_emails) -> str:
    """Sign up, and provide the path of the confirmation link in the email."""
    client.post("/signup", ADA)
    return link_in(sent_emails[-1], "verify-email")


def test_signup_leads_to_check_your_inbox(client, sent_emails):
    response = client.post("/signup", ADA, follow=True)
    assert response.redirect_chain == [("/welcome", 302)]
    assert "Check your inbox" in text_of(response)
    assert "ada@example.com" in text_of(response)
    assert [email.to for email in sent_emails] == [["ada@example.com"]]


def test_taken_address_looks_the_same(client, sent_emails, ada):
    known = client.post("/signup", ADA, follow=True)
    unknown = client.post("/signup", {**ADA, "email": "new@example.com"}, follow=True)
    assert text_of(known) == text_of(unknown).replace("new@", "ada@")
    assert not known.context["user"].is_authenticated


def test_link_requires_the_password_and_logs_in(client, confirm_link):
    """Otherwise someone could sign up with another person's email address, and that person's click would confirm it."""
    response = submit_link(client, confirm_link, password=PASSWORD)
    assert response["Location"] == "/dashboard"
    assert "Your email address is confirmed." in text_of(client.get("/dashboard"))
    assert User.objects.get().is_email_verified


def test_opening_the_link_changes_nothing(client, confirm_link):
    """Mail scanners open every link in an email, so a GET or HEAD request must not confirm the email address."""
    for _ in range(2):
        assert client.get(confirm_link).status_code == 200
        assert client.head(confirm_link).status_code == 200
    user = User.objects.get()
    assert (user.is_email_verified, user.last_login) == (False, None)


def test_wrong_password_keeps_the_token(client, confirm_link):
    response = submit_link(client, confirm_link, password="wrong")
    assert response.status_code == 400
    assert "This isn't the password you signed up with." in text_of(response)
    assert hidden_token(response) in confirm_link
    assert not User.objects.get().is_email_verified


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("x", id="no signature"),
        pytest.param("a:b:c", id="wrong signature"),
        pytest.param("\x00", id="NUL"),
        pytest.param("x" * 2000, id="long"),
    ],
)
def test_broken_link_offers_a_new_one(client, db, token):
    response = client.post("/verify-email", {"token": token, "password": PASSWORD})
    assert response.status_code == 400
    assert 'href="/welcome"' in response.content.decode()


def test_missing_token_redirects_to_welcome(client, db):
    assert client.get("/verify-email")["Location"] == "/welcome"


def test_email_can_be_sent_again(client, sent_emails, confirm_link):
    response = client.post("/welcome", {"email": "ada@example.com"}, follow=True)
    assert "we've sent it another email" in text_of(response)
    assert [email.to for email in sent_emails] == [["ada@example.com"]] * 2
    assert submit_link(client, link_in(sent_emails[-1], "verify-email"), password=PASSWORD).status_code == 302


def test_sending_again_does_not_reveal_accounts(client, sent_emails, ada):
    texts = [text_of(client.post("/welcome", {"email": email}, follow=True)) for email in (ada.email, "no@example.com")]
    assert texts[0] == texts[1].replace("no@", "ada@")
    assert sent_emails == []


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
def test_error_is_shown_beside_field_and_at_the_top(client, sent_emails, field, value, sentence):
    response = client.post("/signup", {**ADA, field: value})
    html = response.content.decode()
    assert response.status_code == 400
    assert text_of(response).count(sentence) == 2
    assert f'href="#id_{field}"' in html
    assert f'id="id_{field}_error"' in html
    assert 'role="alert" tabindex="-1" autofocus' in html
    assert sent_emails == []


def test_form_keeps_values_except_the_password(client, db):
    html = client.post("/signup", {**ADA, "email": "ada"}).content.decode()
    assert 'value="Ada Lovelace"' in html
    assert 'value="ada"' in html
    assert PASSWORD not in html


def test_user_cannot_grant_themselves_rights(client, sent_emails):
    client.post("/signup", {**ADA, "is_staff": "1", "is_superuser": "1", "email_verified_at": "2020-01-01", "id": "7"})
    user = User.objects.get()
    assert user.is_staff is False
    assert user.is_superuser is False
    assert user.email_verified_at is None
