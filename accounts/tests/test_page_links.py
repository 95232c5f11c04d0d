"""The pages that links from emails open: a link that doesn't work says so before it asks for a password."""

from datetime import timedelta

import pytest

from accounts import tokens
from accounts.models import Purpose, User
from accounts.tests.support.browser import text_of
from accounts.tests.support.links import tokens_of

PATHS = ["/verify-email", "/reset-password", "/confirm-email-change", "/undo-email-change", "/keep-email-address"]
GARBAGE = ["bad", "a:b:c", "%00", "é:é:é", "e30:1abcde:x", "%ff", "x" * 5000, "{{ 7 }}", "<b>"]
INVALID = "This link isn't valid, or it has already been used."


def open_broken_link(client, link: str) -> str:
    """Return the text of the page, which must not ask for anything."""
    response = client.get(link)
    assert response.status_code == 400
    assert b'name="password"' not in response.content
    assert b'name="token"' not in response.content
    return text_of(response)


@pytest.mark.parametrize("path", PATHS)
def test_working_link_asks_for_what_it_needs(client, ada, unconfirmed_user, path):
    response = client.get(f"{path}?token={tokens_of(ada, unconfirmed_user)[path]}")
    assert response.status_code == 200
    assert b'name="token"' in response.content


@pytest.mark.parametrize("token", GARBAGE)
@pytest.mark.parametrize("path", PATHS)
def test_bad_link_is_explained_before_the_password(client, db, path, token):
    assert INVALID in open_broken_link(client, f"{path}?token={token}")


@pytest.mark.parametrize("path", PATHS)
def test_token_of_another_page_is_not_accepted(client, ada, unconfirmed_user, path):
    made = tokens_of(ada, unconfirmed_user)
    for other in PATHS:
        if other != path:
            assert INVALID in open_broken_link(client, f"{path}?token={made[other]}")


@pytest.mark.parametrize("path", PATHS)
def test_link_of_a_deleted_account_is_explained(client, ada, unconfirmed_user, path):
    link = f"{path}?token={tokens_of(ada, unconfirmed_user)[path]}"
    User.objects.all().delete()
    assert INVALID in open_broken_link(client, link)


def test_replaced_link_leads_to_the_newest_email(client, ada):
    link = f"/reset-password?token={tokens.make_password_reset_token(ada, 'first')}"
    tokens.end_older_links(ada, Purpose.RESET, "second")
    assert "We've sent you a newer link" in open_broken_link(client, link)


def test_expired_link_leads_to_a_new_one(client, unconfirmed_user, monkeypatch):
    link = f"/verify-email?token={tokens.make_email_verification_token(unconfirmed_user)}"
    monkeypatch.setattr(tokens, "EMAIL_VERIFICATION_LIFE", timedelta(seconds=-1))
    assert "This link has expired." in open_broken_link(client, link)
    assert b'href="/welcome"' in client.get(link).content
