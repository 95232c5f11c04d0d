"""The pages on which people read the emails that they got from us."""

from datetime import timedelta
from email import message_from_bytes
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.mail import send_email_change_email, send_password_reset_email
from accounts.models import EmailChange, User
from accounts.pages.display import EMAIL_SENTENCES
from accounts.tests.support.browser import log_in, text_of
from accounts.tests.support.person import queue_email
from accounts.tests.support.users import PASSWORD
from emails.models import OutboundEmail, Status

PAGES = ("email", "email-html", "email-file")


@pytest.fixture(autouse=True)
def outbox(settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"


@pytest.fixture
def browser(ada) -> Client:
    OutboundEmail.objects.all().delete()
    browser = Client()
    log_in(browser)
    return browser


def url(email, name="email"):
    return reverse(f"pages:{name}", args=[email.pk])


def newest() -> OutboundEmail:
    return OutboundEmail.objects.order_by("-created_at")[0]


def test_list_leads_to_each_email_in_pages(browser, ada):
    now, metadata = timezone.now(), {"user_id": str(ada.pk)}
    OutboundEmail.objects.bulk_create(
        OutboundEmail(
            recipients=ada.email, subject=f"No. {number}", metadata=metadata, created_at=now - timedelta(days=number)
        )
        for number in range(30)
    )
    first, second = browser.get("/emails"), browser.get("/emails?page=2")
    assert [email.subject for email in first.context["emails"]] == [f"No. {number}" for number in range(25)]
    assert [email.subject for email in second.context["emails"]] == [f"No. {number}" for number in range(25, 30)]
    assert "?page=2" in first.content.decode()
    assert "?page=3" not in second.content.decode()
    email = first.context["emails"][3]
    for page in (first, browser.get("/dashboard")):
        assert f'href="{url(email)}"' in page.content.decode()


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "3", "9" * 30, "²", "\0"])
def test_page_that_no_link_leads_to_is_not_found(browser, page):
    assert browser.get("/emails", {"page": page}).status_code == 404


def test_list_without_emails_says_so(browser):
    assert "No emails yet." in text_of(browser.get("/emails"))


def test_person_reads_prints_and_downloads_an_email(browser, ada):
    email = queue_email(ada, status=Status.DELIVERED)
    page = browser.get(url(email))
    assert "Delivered Your mail server accepted it." in text_of(page)
    assert "to ada@example.com" in text_of(page)
    assert "All other devices were logged out." in text_of(page), "the text part, without scripts"
    frame = browser.get(url(email, "email-html"))
    assert "All other devices were logged out." in frame.content.decode()
    policy = frame["Content-Security-Policy"]
    assert policy.startswith(
        "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; sandbox allow-popups"
    )
    assert frame["X-Frame-Options"] == "SAMEORIGIN"
    file = browser.get(url(email, "email-file"))
    assert file["Content-Disposition"].startswith("attachment")
    assert message_from_bytes(file.content)["Subject"] == email.subject
    for response in (page, frame, file):
        assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("status", Status)
def test_every_state_is_explained_in_words(browser, ada, status):
    email = queue_email(ada, status=status)
    assert str(EMAIL_SENTENCES[status]) in text_of(browser.get(url(email)))


@pytest.mark.parametrize("debug", [True, False])
def test_live_links_are_never_shown(browser, ada, settings, debug):
    settings.DEBUG = debug
    send_password_reset_email(ada)
    email = newest()
    assert email.sensitive
    assert "token=" in email.message.text
    page = browser.get(url(email))
    assert "?token=" not in page.content.decode()
    assert "isn't shown here" in text_of(page)
    assert reverse("pages:forgot-password") in page.content.decode()
    assert [browser.get(url(email, name)).status_code for name in PAGES] == [200, 404, 404]


def test_email_to_somebody_elses_inbox_is_not_shown(browser, ada):
    send_email_change_email(ada, "bob@example.com")
    assert "?token=" not in browser.get(url(newest())).content.decode()
    email = queue_email(ada, recipients="bob@example.com")
    assert "another address than yours" in text_of(browser.get(url(email)))
    assert [browser.get(url(email, name)).status_code for name in PAGES] == [200, 404, 404]
    OutboundEmail.objects.filter(pk=email.pk).update(recipients="ada@example.com bob@example.com")
    assert [browser.get(url(email, name)).status_code for name in PAGES] == [200, 404, 404]


def test_email_to_a_former_address_stays_readable(browser, ada):
    email = queue_email(ada, recipients="old@example.com")
    change = EmailChange.objects.create(user=ada, old_address="old@example.com", new_address=ada.email)
    assert [browser.get(url(email, name)).status_code for name in PAGES] == [200, 200, 200]
    # The address now belongs to somebody else, who may have got emails of their own there.
    User.objects.create_user(change.old_address, PASSWORD)
    assert [browser.get(url(email, name)).status_code for name in PAGES] == [200, 404, 404]


@pytest.mark.parametrize("name", PAGES)
def test_emails_of_others_do_not_exist(browser, ada, name):
    bob = User.objects.create_user("bob@example.com", PASSWORD)
    of_bob = queue_email(bob)
    of_nobody = queue_email(ada, metadata={})
    same_inbox = queue_email(bob, recipients=ada.email)
    for email in (of_bob, of_nobody, same_inbox):
        assert browser.get(url(email, name)).status_code == 404
    assert browser.get(reverse(f"pages:{name}", args=[uuid4()])).status_code == 404


@pytest.mark.parametrize("name", PAGES)
def test_visitor_logs_in_first(client, ada, name):
    response = client.get(url(queue_email(ada), name))
    assert response["Location"].startswith("/login?next=/emails/")


def test_deleted_body_is_explained(browser, ada):
    email = queue_email(ada, content=None, status=Status.SENT)
    assert "We no longer store the text" in text_of(browser.get(url(email)))
    assert [browser.get(url(email, name)).status_code for name in PAGES] == [200, 404, 404]


def test_pages_speak_the_language_of_the_person(browser, ada):
    User.objects.filter(pk=ada.pk).update(language="de")
    email = queue_email(ada, status=Status.DELIVERED)
    assert "Ihr Mailserver hat sie angenommen." in text_of(browser.get(url(email)))
    assert "Alles, was wir Ihnen" in text_of(browser.get("/emails"))


@pytest.mark.parametrize("name", ["emails", *PAGES])
def test_pages_only_read(browser, ada, name):
    address = "/emails" if name == "emails" else url(queue_email(ada), name)
    assert browser.post(address).status_code == 405
