"""The confirmation link can be sent again without revealing who has an account."""

import pytest

from accounts.tests.support.users import PASSWORD, token_in

ACCEPTED = {"detail": "If this email address belongs to an unconfirmed account, we've sent it an email."}


def resend(call_api, email):
    response = call_api("POST", "email/resend/", {"email": email})
    return response.status_code, response.json()


def test_resent_link_confirms_the_address(call_api, unconfirmed_user, sent_emails):
    for _ in range(2):
        assert resend(call_api, "NEW@example.com") == (202, ACCEPTED)
    assert [(email.kind, email.sensitive) for email in sent_emails] == [("welcome", True)] * 2
    response = call_api("POST", "email/verify/", {"token": token_in(sent_emails[1]), "password": PASSWORD})
    assert response.status_code == 200


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_other_addresses_get_same_response_and_no_email(call_api, ada, sent_emails, email):
    assert (resend(call_api, email), sent_emails) == ((202, ACCEPTED), [])
