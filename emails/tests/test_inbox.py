"""The development inbox, as a page for people and as JSON for scripts."""

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from emails.models import OutboundEmail

pytestmark = pytest.mark.urls("emails.tests.support.urls")


@pytest.fixture(autouse=True)
def development(settings):
    settings.DEBUG = True


@pytest.fixture
def client() -> Client:
    """A browser on this machine, because no other gets these pages."""
    return Client(HTTP_HOST="localhost")


@pytest.fixture
def welcome_email(queue_emails) -> OutboundEmail:
    message = EmailMultiAlternatives("Hello", "See https://app.example.com/x", to=["Ada <ada@example.com>"])
    message.attach_alternative("<p>Hello</p>", "text/html")
    vars(message).update(kind="welcome", sensitive=True)
    message.send()
    return OutboundEmail.objects.latest("created_at")


def test_empty_inbox_explains_how_to_send_one(client, db):
    page_html = client.get("/dev/inbox/").content.decode()
    assert "No emails yet." in page_html
    assert "curl http://localhost/api/accounts/signup/" in page_html


def test_inbox_lists_newest_first(client, queue_emails, welcome_email):
    response = client.get("/dev/inbox/")
    assert [email.pk for email in response.context["emails"]] == [welcome_email.pk]
    (newer,) = queue_emails()
    assert client.get("/dev/inbox/").context["emails"][0].pk == newer.pk


def test_message_page_shows_links_headers_and_history(client, welcome_email, deliver):
    deliver()
    page_html = client.get(f"/dev/inbox/{welcome_email.pk}/").content.decode()
    assert '<a href="https://app.example.com/x"' in page_html
    assert "Ada &lt;ada@example.com&gt;" in page_html
    assert '<iframe sandbox src="html/"' in page_html
    assert "resend: accepted" in page_html


def test_html_body_is_a_separate_page(client, welcome_email):
    response = client.get(f"/dev/inbox/{welcome_email.pk}/html/")
    assert response.content == b"<p>Hello</p>"
    assert response["Content-Security-Policy"].startswith("default-src 'none'")
    assert response["X-Frame-Options"] == "SAMEORIGIN"


def test_inbox_is_available_as_json(client, welcome_email, deliver):
    deliver()
    (message,) = client.get("/dev/inbox.json").json()["messages"]
    assert message.pop("created_at").startswith("20")
    events = message.pop("events")
    assert [set(event) for event in events] == [{"event", "at", "detail"}] * 3
    assert [event["event"] for event in events] == ["queued", "attempt", "sent"]
    assert message == {
        "id": str(welcome_email.pk),
        "kind": "welcome",
        "to": ["ada@example.com"],
        "subject": "Hello",
        "text": "See https://app.example.com/x",
        "html": "<p>Hello</p>",
        "status": "sent",
    }


def test_blanked_body_is_empty(client, welcome_email):
    OutboundEmail.objects.update(content=None)
    (message,) = client.get("/dev/inbox.json").json()["messages"]
    assert message["to"] == ["ada@example.com"]
    assert message["text"] == ""
    assert message["html"] == ""
    assert "The body has been deleted" in client.get(f"/dev/inbox/{welcome_email.pk}/").content.decode()


def test_json_limit_is_applied(client, queue_emails):
    queue_emails(3)
    assert len(client.get("/dev/inbox.json?limit=2").json()["messages"]) == 2


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1001", "٣", ""])
def test_invalid_json_limit_is_refused(client, db, limit):
    response = client.get("/dev/inbox.json", {"limit": limit})
    assert response.status_code == 400
    assert "1 to 1000" in response.json()["detail"]


def test_inbox_json_costs_three_queries(client, queue_emails, django_assert_num_queries):
    queue_emails(5)
    with django_assert_num_queries(3):
        client.get("/dev/inbox.json")


@pytest.mark.parametrize("path", ["inbox/", "inbox.json", "inbox/{}/", "inbox/{}/html/", "emails/", "emails/x/html/"])
def test_inbox_is_404_without_debug(client, welcome_email, settings, path):
    settings.DEBUG = False
    assert client.get("/dev/" + path.format(welcome_email.pk)).status_code == 404
