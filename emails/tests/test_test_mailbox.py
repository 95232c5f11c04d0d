"""The inbox as a test mailbox: the filters of /dev/inbox.json, and the helper for end-to-end tests."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from emails.models import OutboundEmail
from emails.testing import NoEmail, emails, first_link, now, wait_for_email

pytestmark = pytest.mark.urls("emails.tests.support.urls")


@pytest.fixture(autouse=True)
def development(settings):
    settings.DEBUG = True


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


def send(
    subject: str, to: list[str], kind: str = "", cc: list[str] | None = None, text: str = "Hello"
) -> OutboundEmail:
    message = EmailMultiAlternatives(subject, text, to=to, cc=cc or [])
    vars(message).update(kind=kind)
    message.send()
    return OutboundEmail.objects.get(subject=subject)


@pytest.fixture
def three(queue_emails) -> None:
    send("first", ["ada@example.com"], "welcome")
    send("second", ["Bob <BOB@example.com>"], "receipt", cc=["ada@example.com"])
    send("third", ["ada@example.com.evil.example", "x@example.com"], "welcome")


def found(client, **query) -> list[str]:
    response = client.get("/dev/inbox.json", query)
    assert response.status_code == 200, response.content
    return [message["subject"] for message in response.json()["messages"]]


def test_filters_by_address_kind_and_time(client, three):
    assert found(client) == found(client, to="", kind="", since="") == ["third", "second", "first"]
    assert found(client, to="ada@example.com") == ["second", "first"]
    assert found(client, to="bob@EXAMPLE.com") == ["second"]
    assert found(client, to="da@example.com") == found(client, to="example@example.com") == []
    assert found(client, kind="welcome") == ["third", "first"]
    assert found(client, kind="welcome", to="ada@example.com", limit="1") == ["first"]
    assert found(client, kind="password_reset") == []  # a kind that nobody got yet


def test_since_is_inclusive_and_takes_common_forms(client, three):
    second = OutboundEmail.objects.get(subject="second").created_at
    OutboundEmail.objects.filter(subject="first").update(created_at=second - timedelta(minutes=5))
    OutboundEmail.objects.filter(subject="third").update(created_at=second + timedelta(minutes=5))
    expected = ["third", "second"]
    assert found(client, since=second.isoformat()) == expected
    assert found(client, since=second.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")) == expected
    assert found(client, since=second.isoformat().replace("+", " ")) == expected  # an unescaped + in a URL
    assert found(client, since=f"{second.timestamp():.6f}") == expected
    assert found(client, since=(second + timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S")) == ["third"]
    assert found(client, since="2026-01-01") == ["third", "second", "first"]


BAD = [
    ({"to": "nobody"}, "to must be an email address, not 'nobody'."),
    ({"to": "a@b.example,c@d.example"}, "to must be an email address"),
    ({"to": "x" * 5000}, "to must be an email address"),
    ({"to": "a@b.example\r\nBcc: c@d.example"}, "to must be an email address"),
    ({"kind": "welcom"}, "There is no kind 'welcom'. The kinds are: "),
    ({"kind": "\x00"}, "There is no kind"),
    ({"kind": "../welcome"}, "There is no kind"),
    ({"since": "yesterday"}, "since must be a time such as 2026-01-31T08:00:00Z"),
    ({"since": "2026-02-30T00:00:00Z"}, "since must be a time"),
    ({"since": str(int(time.time() * 1000))}, "since must be a time"),  # milliseconds
    ({"since": "9" * 400}, "since must be a time"),
    ({"since": "nan"}, "since must be a time"),
    ({"since": "0001-01-01T00:00:00+14:00"}, "since must be a time"),
    ({"since": "9999-12-31T23:59:59-14:00"}, "since must be a time"),
    ({"limit": "9" * 4400}, "limit must be a whole number"),
    ({"knid": "welcome"}, "'knid' is not a parameter. The parameters are to, kind, since, limit."),
]


@pytest.mark.parametrize(("query", "sentence"), BAD)
def test_bad_filter_is_a_400_with_a_sentence(client, db, query, sentence):
    response = client.get("/dev/inbox.json", query)
    assert response.status_code == 400
    assert sentence in response.json()["detail"]


# The helper, against a running server

ADA = "ada@example.com"


def test_helper_waits_for_the_email_and_finds_its_link(live_server, outbox, deliver):
    since = now()
    send("Old", [ADA], "welcome")
    OutboundEmail.objects.update(created_at=since - timedelta(hours=1))
    text = "Confirm (https://app.example.com/verify-email?token=x). Or see https://app.example.com/help."
    sent = send("New", [ADA], "welcome", text=text)
    email = wait_for_email(to=ADA, kind="welcome", since=since, server=live_server.url)
    assert (email["id"], email["status"]) == (str(sent.pk), "queued")
    assert first_link(email, "/verify-email") == "https://app.example.com/verify-email?token=x"
    assert first_link(email, "help") == "https://app.example.com/help"
    deliver()
    assert wait_for_email(to=ADA, since=since, status="sent", server=live_server.url)["subject"] == "New"
    assert [one["subject"] for one in emails(server=f"{live_server.url}/")] == ["New", "Old"]
    with pytest.raises(NoEmail, match=r"No link with '/nowhere' in 'New'\. The links are: https"):
        first_link(email, "/nowhere")


def test_helper_says_what_arrived_instead(live_server, outbox):
    send("New", [ADA], "welcome")
    with pytest.raises(NoEmail) as caught:
        wait_for_email(to="bob@example.com", kind="receipt", server=live_server.url, timeout=0)
    assert str(caught.value) == (
        "No email with to=bob@example.com, kind=receipt within 0 s. Arrived instead: "
        "welcome to ada@example.com (queued)."
    )
    with pytest.raises(NoEmail, match=r"responded with 400: .*There is no kind 'welcom'"):
        wait_for_email(kind="welcom", server=live_server.url)
    with pytest.raises(NoEmail, match=r"There is no server at http://127\.0\.0\.1:1/"):
        wait_for_email(server="http://127.0.0.1:1")
    assert now() - datetime.now(UTC) < timedelta(seconds=60)
