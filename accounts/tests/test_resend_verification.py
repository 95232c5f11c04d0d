"""The confirm link once more, as often as it is asked for; nobody learns who has an account."""

import pytest

from accounts.tests.support.users import PASSWORD, token_in

ON_ITS_WAY = {"detail": "If this email address belongs to an unconfirmed account, we've sent it an email."}


def resend(call, email):
    answer = call("POST", "email/resend/", {"email": email})
    return answer.status_code, answer.json()


def test_a_fresh_link_confirms(call, unconfirmed, outbox):
    for _ in range(2):
        assert resend(call, "NEW@example.com") == (202, ON_ITS_WAY)
    assert [(mail.kind, mail.sensitive) for mail in outbox] == [("welcome", True)] * 2
    answer = call("POST", "email/verify/", {"token": token_in(outbox[1]), "password": PASSWORD})
    assert answer.status_code == 200


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_others_get_the_same_answer_and_no_mail(call, ada, outbox, email):
    assert (resend(call, email), outbox) == ((202, ON_ITS_WAY), [])
