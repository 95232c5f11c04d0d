"""A newer link in an email ends the older ones of the same purpose, but only if its email really was queued.

``request_link()`` has the API send a link, ``sent_emails`` is the list of the emails sent so far, and ``ada`` is a user
with a confirmed email address.
"""

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F
from django.test import Client

from accounts import tokens
from accounts.admin.actions import send_reset_link
from accounts.models import EmailChange, User
from accounts.tests.support.browser import text_of
from accounts.tests.support.users import NEW_PASSWORD, PASSWORD, token_in
from emails.models import OutboundEmail
from emails.support.actions import retry

NEW = "countess@example.com"
REQUESTS = {
    "reset": ("password/reset/", {"email": "ada@example.com"}),
    "confirmation": ("email/resend/", {"email": "ada@example.com"}),
    "change": ("email/change/", {"email": NEW, "password": PASSWORD}),
    "keep": ("email/change/keep/", {"password": PASSWORD}),
}
USES = {
    "reset": ("password/reset/confirm/", {"password": NEW_PASSWORD}),
    "confirmation": ("email/verify/", {"password": PASSWORD}),
    "change": ("email/change/confirm/", {"password": PASSWORD}),
    "keep": ("email/change/keep/confirm/", {"password": PASSWORD}),
}


class FullBackend(BaseEmailBackend):
    """Queues nothing, as if the recipient had got enough emails today."""

    def send_messages(self, email_messages):
        return 0


@pytest.fixture
def request_link(call_api, ada_token, sent_emails):
    """Provide a function that requests a link for a purpose and returns the token of the newest email."""

    def request_link(purpose: str, **changes: str) -> str:
        path, data = REQUESTS[purpose]
        assert call_api("POST", path, {**data, **changes}, token=ada_token).status_code == 202
        return token_in(sent_emails[-1])

    return request_link


@pytest.fixture
def use_link(call_api):
    """Provide a function that uses a link and returns the response."""

    def use_link(purpose: str, token: str):
        path, data = USES[purpose]
        return call_api("POST", path, {"token": token, **data})

    return use_link


@pytest.fixture(params=REQUESTS)
def purpose(request, ada, ada_token) -> str:
    """Provide the name of a purpose. The account is in the state in which a link for it can be requested."""
    if request.param == "confirmation":
        User.objects.update(email_verified_at=None)
    if request.param == "keep":
        EmailChange.objects.create(user=ada, old_address="old@example.com", new_address=ada.email)
        EmailChange.objects.update(at=F("at") - tokens.EMAIL_UNDO_LIFE / 2)
    return str(request.param)


def test_newer_link_ends_the_older_ones(purpose, request_link, use_link):
    first, second, newest = (request_link(purpose) for _ in range(3))
    for older in (first, second):
        response = use_link(purpose, older)
        assert (response.status_code, response.json()["code"]) == (400, "token_invalid")
        assert "newer link" in response.json()["detail"]
    assert use_link(purpose, newest).status_code < 300


def test_older_link_works_if_the_newer_email_was_not_queued(purpose, request_link, use_link, settings):
    link = request_link(purpose)
    settings.EMAIL_BACKEND = "accounts.tests.test_links.FullBackend"
    request_link(purpose)
    assert use_link(purpose, link).status_code < 300


def test_link_of_another_purpose_does_not_end_it(call_api, purpose, request_link, use_link):
    link = request_link(purpose)
    for other in REQUESTS.keys() - {purpose}:
        path, data = REQUESTS[other]
        call_api("POST", path, data)
    assert use_link(purpose, link).status_code < 300


def test_link_from_before_the_upgrade_works_until_a_newer_one(ada, request_link, use_link):
    from_before = tokens.make_password_reset_token(ada)
    assert tokens.read_password_reset_token(from_before) == ada
    request_link("reset")
    assert use_link("reset", from_before).status_code == 400


def test_resent_confirmation_ends_the_link_of_the_welcome(post, sent_emails, use_link):
    post("signup/", {"email": "ada@example.com", "name": "Ada", "password": PASSWORD})
    post("email/resend/", {"email": "ada@example.com"})
    first, second = map(token_in, sent_emails)
    assert use_link("confirmation", first).status_code == 400
    assert use_link("confirmation", second).status_code == 200


def test_requests_for_other_accounts_end_nothing(call_api, request_link, use_link):
    link = request_link("reset")
    User.objects.create_user("bob@example.com", PASSWORD)
    for address in ("bob@example.com", "nobody@example.com"):
        call_api("POST", "password/reset/", {"email": address})
    assert use_link("reset", link).status_code == 204


@pytest.mark.parametrize("other_address", ["free@example.com", "bob@example.com"])
def test_earlier_change_link_does_not_reveal_a_taken_address(
    call_api, ada_token, request_link, use_link, other_address
):
    """Bob has an account. If Ada's earlier link still worked after her second request, she would know that."""
    User.objects.create_user("bob@example.com", PASSWORD)
    link = request_link("change")
    for _ in range(2):
        call_api("POST", "email/change/", {"email": other_address, "password": PASSWORD}, token=ada_token)
    assert use_link("change", link).status_code == 400


def test_link_from_staff_ends_the_older_ones(ada, request_link, use_link, sent_emails):
    link = request_link("reset")
    send_reset_link(User.objects.get())
    assert use_link("reset", link).status_code == 400
    assert use_link("reset", token_in(sent_emails[-1])).status_code == 204


def test_retried_email_carries_the_link_that_works(call_api, ada, use_link, settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    call_api("POST", "password/reset/", {"email": ada.email})
    email = OutboundEmail.objects.get(kind="password_reset")
    email.status = "failed"
    email.save()
    retry(email)
    email.refresh_from_db()
    token = email.message.text.partition("?token=")[2].split()[0]
    assert use_link("reset", token).status_code == 204


def test_page_explains_that_there_is_a_newer_link(request_link):
    older = request_link("reset")
    request_link("reset")
    response = Client().post("/reset-password", {"token": older, "password": NEW_PASSWORD})
    assert response.status_code == 400
    assert "We've sent you a newer link" in text_of(response)
