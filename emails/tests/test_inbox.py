"""The development inbox: every message, as a person sees it and as a script reads it."""

import pytest
from django.core.mail import EmailMultiAlternatives

from emails.models import OutboundEmail

pytestmark = pytest.mark.urls("emails.tests.support.urls")


@pytest.fixture(autouse=True)
def development(settings):
    settings.DEBUG = True


@pytest.fixture
def letter(queue) -> OutboundEmail:
    message = EmailMultiAlternatives("Hello", "See https://app.example.com/x", to=["Ada <ada@example.com>"])
    message.attach_alternative("<p>Hello</p>", "text/html")
    vars(message).update(kind="welcome", sensitive=True)
    message.send()
    return OutboundEmail.objects.latest("created_at")


def test_an_empty_inbox_says_how_to_get_mail(client, db):
    shown = client.get("/dev/inbox/").content.decode()
    assert "No emails yet." in shown
    assert "curl http://testserver/api/accounts/signup/" in shown


def test_the_inbox_lists_the_newest_first(client, queue, letter):
    answer = client.get("/dev/inbox/")
    assert [email.pk for email in answer.context["emails"]] == [letter.pk]
    (newer,) = queue()
    assert client.get("/dev/inbox/").context["emails"][0].pk == newer.pk


def test_a_message_is_shown_with_working_links_headers_and_history(client, letter, deliver):
    deliver()
    shown = client.get(f"/dev/inbox/{letter.pk}/").content.decode()
    assert '<a href="https://app.example.com/x"' in shown
    assert "Ada &lt;ada@example.com&gt;" in shown
    assert '<iframe sandbox src="html/"' in shown
    assert "resend: accepted" in shown


def test_the_html_is_a_page_of_its_own(client, letter):
    answer = client.get(f"/dev/inbox/{letter.pk}/html/")
    assert answer.content == b"<p>Hello</p>"
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_a_script_reads_the_inbox_as_json(client, letter, deliver):
    deliver()
    (message,) = client.get("/dev/inbox.json").json()["messages"]
    assert message.pop("created_at").startswith("20")
    events = message.pop("events")
    assert [set(event) for event in events] == [{"event", "at", "detail"}] * 3
    assert [event["event"] for event in events] == ["queued", "attempt", "sent"]
    assert message == {
        "id": str(letter.pk),
        "kind": "welcome",
        "to": ["ada@example.com"],
        "subject": "Hello",
        "text": "See https://app.example.com/x",
        "html": "<p>Hello</p>",
        "status": "sent",
    }


def test_a_blanked_body_is_empty(client, letter):
    OutboundEmail.objects.update(content=None)
    (message,) = client.get("/dev/inbox.json").json()["messages"]
    assert (message["to"], message["text"], message["html"]) == (["ada@example.com"], "", "")
    assert "The body has been deleted" in client.get(f"/dev/inbox/{letter.pk}/").content.decode()


def test_the_json_is_limited(client, queue):
    queue(3)
    assert len(client.get("/dev/inbox.json?limit=2").json()["messages"]) == 2


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1001", "٣", ""])
def test_a_wrong_limit_is_refused(client, db, limit):
    answer = client.get("/dev/inbox.json", {"limit": limit})
    assert answer.status_code == 400
    assert "1 to 1000" in answer.json()["detail"]


def test_reading_the_inbox_costs_three_queries(client, queue, django_assert_num_queries):
    queue(5)
    with django_assert_num_queries(3):
        client.get("/dev/inbox.json")


@pytest.mark.parametrize("path", ["inbox/", "inbox.json", "inbox/{}/", "inbox/{}/html/", "emails/", "emails/x/html/"])
def test_without_debug_there_is_no_such_page(client, letter, settings, path):
    settings.DEBUG = False
    assert client.get("/dev/" + path.format(letter.pk)).status_code == 404
