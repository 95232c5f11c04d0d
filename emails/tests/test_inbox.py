"""The development inbox, as a page for people and as JSON for scripts."""

import re
from email import message_from_bytes
from email.mime.image import MIMEImage
from html import unescape
from uuid import uuid4

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from emails.development import urls
from emails.models import DeliveryAttempt, OutboundEmail

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
    path = f"/dev/inbox/{welcome_email.pk}/"
    assert (
        f'sandbox="allow-popups allow-popups-to-escape-sandbox" src="{path}html/?' in page_html
    )  # the HTML comes first
    assert '<a href="https://app.example.com/x"' in tab(client, path, "text")
    assert "Ada &lt;ada@example.com&gt;" in tab(client, path, "headers")
    assert "resend: accepted" in tab(client, path, "history")
    assert "To: Ada &lt;ada@example.com&gt;" in tab(client, path, "source")


def tab(client, path, name) -> str:
    return str(client.get(f"{path}?tab={name}").content.decode())


def test_html_body_is_a_separate_page_whose_links_open_tabs(client, welcome_email):
    response = client.get(f"/dev/inbox/{welcome_email.pk}/html/")
    assert response.content.startswith(b'<base target="_blank">')
    assert response.content.endswith(b"<p>Hello</p>")
    assert response["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; "
        "sandbox allow-popups allow-popups-to-escape-sandbox"
    )
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


PATHS = [
    "inbox/",
    "inbox.json",
    "inbox/live/",
    "inbox/{}/",
    "inbox/{}/html/",
    "inbox/{}/source/",
    "inbox/{}/attachments/0/",
    "emails/",
    "emails/live/",
    "emails/welcome/",
    "emails/welcome/html/",
]
FORMS = ["inbox/delete/", "inbox/{}/delete/", "inbox/{}/send/", "inbox/{}/simulate/", "emails/welcome/send/"]


@pytest.mark.parametrize("path", PATHS + FORMS)
def test_strangers_and_other_sites_get_nothing(client, welcome_email, settings, path):
    url = "/dev/" + path.format(welcome_email.pk)
    request = client.post if path in FORMS else client.get
    rebound = Client(HTTP_HOST="localhost.evil.example")
    assert (rebound.post if path in FORMS else rebound.get)(url).status_code in (400, 404)
    assert request(url, HTTP_X_FORWARDED_FOR="192.0.2.1").status_code == 404
    if path in FORMS:  # a page of another site has no token
        assert Client(HTTP_HOST="localhost", enforce_csrf_checks=True).post(url).status_code == 403
        assert client.get(url).status_code == 405
    else:
        assert client.post(url).status_code == 405
    settings.DEBUG = False
    assert request(url).status_code == 404
    assert OutboundEmail.objects.filter(pk=welcome_email.pk).exists()


def test_every_route_is_covered():
    covered = {path.replace("{}", "<uuid:pk>").replace("0", "<int:index>") for path in PATHS + FORMS}
    covered = {path.replace("emails/welcome", "emails/<slug:kind>") for path in covered}
    assert {str(route.pattern) for route in urls.urlpatterns} == covered


# Search, live updates, and files


def found(client, words) -> set[str]:
    return {email.subject for email in client.get("/dev/inbox/", {"q": words}).context["emails"]}


def test_search_finds_words_in_every_part(client, queue_emails, welcome_email):
    queue_emails(1, subject="Your receipt")
    both = {"Hello", "Your receipt"}
    assert found(client, "") == both
    assert found(client, "ada@EXAMPLE") == {"Hello"}
    assert found(client, "app.example.com/x") == {"Hello"}  # in the text
    assert found(client, "receipt queued") == {"Your receipt"}
    assert found(client, "kind:welcome") == {"Hello"}
    assert found(client, "to:person-0 subject:your") == {"Your receipt"}
    assert found(client, "status:sent") == set()
    assert found(client, str(welcome_email.pk)) == {"Hello"}
    assert found(client, "100%") == found(client, "x" * 5000) == set()
    assert found(client, "\x00 \u2028") == both
    assert "No email matches." in client.get("/dev/inbox/?q=nothing").content.decode()


def test_page_is_asked_for_changes_and_gets_only_these(client, welcome_email, queue_emails, deliver):
    page_html = client.get(f"/dev/inbox/{welcome_email.pk}/").content.decode()
    [(live, version)] = re.findall(r'data-live="([^"]+)" data-version="([^"]+)"', page_html)
    live, version = unescape(live), unescape(version)
    unchanged = client.get(live, headers={"If-None-Match": version})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    queue_emails(1, subject="Brand new")
    changed = client.get(live, headers={"If-None-Match": version})
    assert changed.status_code == 200
    assert "Brand new" in changed.content.decode()
    deliver()
    delivered = client.get(live, headers={"If-None-Match": changed["ETag"]})
    assert "resend accepted it as" in delivered.content.decode()


def test_live_updates_survive_a_deleted_message_and_garbage(client, db):
    for selected in (uuid4(), "x", "", "\x00"):
        assert client.get("/dev/inbox/live/", {"selected": selected, "page": "-1", "q": "'"}).status_code == 200


def test_second_page_has_the_older_emails(client, queue_emails, monkeypatch):
    monkeypatch.setattr("emails.development.inbox.PAGE_SIZE", 2)
    queue_emails(3)
    first, second = client.get("/dev/inbox/"), client.get("/dev/inbox/?page=2")
    assert len(first.context["emails"]) == 2
    assert len(second.context["emails"]) == 1
    assert "?page=2" in first.content.decode()
    assert [client.get(f"/dev/inbox/?page={page}").status_code for page in ("0", "x", "9" * 30, "٣")] == [200] * 4


@pytest.fixture
def email_with_files(queue_emails) -> OutboundEmail:
    message = EmailMultiAlternatives("Files", "Text", to=["ada@example.com"])
    message.attach_alternative('<p>Logo: <img src="cid:logo"></p>', "text/html")
    message.attach("page.html", "<script>alert(1)</script>", "text/html")
    message.attach("räport.pdf", b"%PDF", "application/pdf")
    logo = MIMEImage(b"\x89PNG", "png")
    logo.add_header("Content-ID", "<logo>")
    message.attach(logo)
    message.send()
    return OutboundEmail.objects.latest("created_at")


def test_files_are_downloaded_and_never_shown(client, email_with_files):
    path = f"/dev/inbox/{email_with_files.pk}/"
    listed = client.get(f"{path}?tab=attachments").content.decode()
    assert "page.html" in listed
    assert "räport.pdf" in listed
    assert "Attachments (3)" in listed
    file = client.get(f"{path}attachments/0/")
    assert file.content == b"<script>alert(1)</script>"
    assert file["Content-Disposition"] == 'attachment; filename="page.html"'
    assert file["Content-Type"] == "application/octet-stream"
    assert file["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert client.get(f"{path}attachments/9/").status_code == 404
    raw = client.get(f"{path}source/")
    assert raw["Content-Type"] == "message/rfc822"
    assert message_from_bytes(raw.content)["Subject"] == "Files"
    assert b'<img src="data:image/png;base64,iVBORw==">' in client.get(f"{path}html/").content


def test_size_is_shown_with_a_warning_above_the_limit(client, queue_emails):
    message = EmailMultiAlternatives("Large", "Text", to=["ada@example.com"])
    message.attach_alternative(f"<p>{'x' * 99_000}</p>", "text/html")
    message.send()
    page_html = client.get(f"/dev/inbox/{OutboundEmail.objects.get().pk}/").content.decode()
    assert "96.7" in page_html
    assert "Gmail clips this email." in page_html


# Color schemes

RICH = """<!doctype html><html><head><meta name="color-scheme" content="light dark"><style>
p { color: #111111 } @media (prefers-color-scheme: dark) { p { color: #eeeeee !important } }</style></head>
<body bgcolor="#ffffff"><p style="color: #111111; background: white; border: 1px solid #dddddd">x <a target="_self" href="https://a.test/">y</a></p>"""


def test_preview_shows_each_color_scheme(client, queue_emails):
    message = EmailMultiAlternatives("Colors", "Text", to=["ada@example.com"])
    message.attach_alternative(RICH, "text/html")
    message.send()
    path = f"/dev/inbox/{OutboundEmail.objects.get().pk}/html/"
    shown = {
        scheme: client.get(path, {"scheme": scheme}).content.decode() for scheme in ("light", "dark", "partial", "full")
    }
    assert "@media (max-width: 0px)" in shown["light"]
    assert "color-scheme:light!important" in shown["light"]
    assert "@media (min-width: 0px)" in shown["dark"]
    assert "color-scheme:dark!important" in shown["dark"]
    for scheme in ("partial", "full"):
        assert 'bgcolor="#121212"' in shown[scheme]
        assert "color: #eeeeee; background: #121212; border: 1px solid #" in shown[scheme]
        assert "#dddddd" not in shown[scheme]
    for html in shown.values():
        assert html.startswith('<!doctype html><html><head><base target="_blank">')  # in front, it would cause quirks
        assert "_self" not in html
    without_styles = client.get(path, {"without": "styles"}).content.decode()
    assert "@media" not in without_styles
    assert "img-src 'none'" in client.get(path, {"without": "images"})["Content-Security-Policy"]


# Buttons


def test_copy_goes_to_the_developer_through_the_provider(client, email_with_files, provider_api):
    path = f"/dev/inbox/{email_with_files.pk}/"
    response = client.post(f"{path}send/", {"to": "me@dev.example", "next": f"{path}?tab=text"}, follow=True)
    assert response.redirect_chain == [(f"{path}?tab=text", 302)]
    assert "resend accepted it as" in response.content.decode()
    [sent] = provider_api.accepted
    assert (sent.recipients, sent.payload["subject"]) == (["me@dev.example"], "Files")
    assert 'value="me@dev.example"' in client.get(path).content.decode()  # remembered
    provider_api.faults = ["401"]
    refused = client.post(f"{path}send/", {"to": "me@dev.example"}, follow=True).content.decode()
    assert "Check RESEND_API_KEY." in refused
    for bad in ("", "nobody", "a@b.example\r\nBcc: c@d.example"):
        assert 'class="notice error"' in client.post(f"{path}send/", {"to": bad}, follow=True).content.decode()
    assert len(provider_api.accepted) == 1


def test_console_provider_says_that_nothing_is_sent_and_what_to_change(
    client, email_with_files, settings, provider_api
):
    settings.EMAIL_PROVIDER = "console"
    path = f"/dev/inbox/{email_with_files.pk}/"
    assert "EMAIL_PROVIDER is console, which sends nothing." in client.get(path).content.decode()
    answer = client.post(f"{path}send/", {"to": "me@dev.example"}, follow=True).content.decode()
    assert "Nothing was sent, because EMAIL_PROVIDER is console. To send real email, set EMAIL_PROVIDER" in answer


def test_redirect_stays_on_the_development_pages(client, email_with_files):
    for target in ("https://evil.example/", "//evil.example/dev/", "/dev//evil.example", "/admin/", "\\evil"):
        response = client.post(f"/dev/inbox/{email_with_files.pk}/send/", {"to": "", "next": target})
        assert response["Location"].startswith("/dev/")


def test_one_and_all_emails_are_deleted_but_none_that_a_worker_holds(client, queue_emails, deliver):
    first, second, held = queue_emails(3)
    client.post(f"/dev/inbox/{first.pk}/delete/")
    assert not OutboundEmail.objects.filter(pk=first.pk).exists()
    OutboundEmail.objects.filter(pk=held.pk).update(lease_token=uuid4())
    refused = client.post(f"/dev/inbox/{held.pk}/delete/", follow=True).content.decode()
    assert "A worker is sending this email right now" in refused
    deliver()  # the second one, which now has an attempt and a history
    assert (
        "Deleted 1 email. 1 being sent right now stays."
        in client.post("/dev/inbox/delete/", follow=True).content.decode()
    )
    assert [*OutboundEmail.objects.values_list("pk", flat=True)] == [held.pk]
    assert not DeliveryAttempt.objects.exists()
    assert second.pk != held.pk
