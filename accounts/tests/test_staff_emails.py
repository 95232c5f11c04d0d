"""Staff write one email to a person: what they write, what they may not, and that each form sends once."""

import re
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.settings import api_settings

from accounts.models import User
from accounts.tests.support.browser import text_of
from accounts.tests.support.person import entries_on
from accounts.tests.support.users import PASSWORD
from emails.models import OutboundEmail, Suppression

TEXT = "Thank you for asking.\r\n\r\nSee https://example.com/a?b=1&c=2\r\n<script>alert(1)</script> {{ name }}"
WRITTEN = {"subject": "Your <question>", "text": TEXT}


@pytest.fixture(autouse=True)
def outbox(settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    settings.SUPPORT_EMAIL, settings.DEFAULT_FROM_EMAIL = "help@acme.example", "Acme <hello@acme.example>"


@pytest.fixture
def support(db):
    user = User.objects.create_user("support@example.com", PASSWORD, is_staff=True, email_verified_at=timezone.now())
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "email_user"]))
    return user


@pytest.fixture
def staff_client(support, ada):
    OutboundEmail.objects.all().delete()
    client = Client()
    client.force_login(support)
    return client


def compose_url(user):
    return reverse("admin:accounts_user_email", args=[user.pk])


def prepare(client, user, **data):
    """Submit the form, and return the URL of the preview."""
    response = client.post(compose_url(user), data or WRITTEN)
    assert response.status_code == 302, text_of(response)
    return response["Location"]


def sent():
    return [*OutboundEmail.objects.all()]


def test_text_is_sent_as_plain_text_in_the_layout(staff_client, ada):
    staff_client.post(prepare(staff_client, ada))
    [email] = sent()
    message = email.message
    assert (email.kind, email.recipients, message.subject) == ("staff_message", ada.email, "Your <question>")
    assert (str(message.from_email), str(message.reply_to[0])) == ("Acme <help@acme.example>", "help@acme.example")
    assert email.person == str(ada.pk)
    assert "Thank you for asking.\n\nSee https://example.com/a?b=1&c=2\n<script>" in message.text
    assert 'href="https://example.com/a?b=1&amp;c=2"' in message.html
    assert "<script>" not in message.html
    assert "{{ name }}" in message.html
    assert message.html.count("<p") > 4


def test_sender_stays_on_the_domain_that_is_set_up(staff_client, ada, settings):
    settings.SUPPORT_EMAIL = "acme@gmail.example"
    staff_client.post(prepare(staff_client, ada))
    message = sent()[0].message
    assert (message.from_email.email, message.reply_to[0].email) == ("hello@acme.example", "acme@gmail.example")


def test_greeting_is_in_the_language_of_the_person(staff_client, ada):
    User.objects.filter(pk=ada.pk).update(language="de")
    staff_client.post(prepare(staff_client, ada))
    assert sent()[0].message.text.startswith("Guten Tag Ada,")


def test_preview_shows_the_email_and_sends_nothing(staff_client, ada):
    preview = prepare(staff_client, ada)
    assert "Thank you for asking." in text_of(staff_client.get(preview))
    frame = staff_client.get(f"{preview}html/")
    assert "sandbox" in frame["Content-Security-Policy"]
    assert "default-src 'none'" in frame["Content-Security-Policy"]
    assert "&lt;script&gt;" in frame.content.decode()
    assert sent() == []
    [change] = re.findall(r'href="([^"]+\?draft=[^"]+)"', staff_client.get(preview).content.decode())
    assert "Thank you for asking." in staff_client.get(change).content.decode()


def test_second_click_sends_nothing(staff_client, ada):
    preview = prepare(staff_client, ada)
    for _ in range(3):
        assert "The email was sent." in text_of(staff_client.post(preview, follow=True))
    assert len(sent()) == LogEntry.objects.filter(object_id=str(ada.pk)).count() == 1
    assert "Write the email again" in text_of(staff_client.get(preview, follow=True))


def test_second_click_on_a_link_sends_one_link(staff_client, ada):
    preview = prepare(staff_client, ada, name="password_reset")
    staff_client.post(preview)
    staff_client.post(preview)
    assert [email.kind for email in sent()] == ["password_reset"]


def test_timeline_names_who_wrote_it_and_leads_to_the_email(staff_client, ada):
    staff_client.post(prepare(staff_client, ada))
    response = staff_client.get(reverse("admin:accounts_user_change", args=[ada.pk]), {"show": "staff"})
    assert entries_on(response) == ["Sent “Your <question>”"]
    assert "by support@example.com" in text_of(response)
    assert reverse("admin:emails_outboundemail_change", args=[sent()[0].pk]) in response.content.decode()


@pytest.mark.parametrize("name", ["text", "password_reset"])
def test_suppressed_address_is_refused_with_advice(staff_client, ada, name):
    data = WRITTEN if name == "text" else {"name": name}
    preview = prepare(staff_client, ada, **data)
    Suppression.objects.create(address=ada.email)
    for response in (staff_client.get(preview), staff_client.post(preview)):
        assert "delete the suppression first" in text_of(response)
    assert sent() == []


def test_address_that_complained_gets_only_what_the_person_requests(staff_client, ada):
    Suppression.objects.create(address=ada.email, cause="complaint")
    staff_client.post(prepare(staff_client, ada))
    staff_client.post(prepare(staff_client, ada, name="password_reset"))
    assert [email.kind for email in sent()] == ["password_reset"]


def test_unverified_address_gets_nothing_but_its_links(staff_client, unconfirmed_user):
    OutboundEmail.objects.all().delete()
    response = staff_client.post(prepare(staff_client, unconfirmed_user))
    assert "Send the confirmation link first" in text_of(response)
    preview = prepare(staff_client, unconfirmed_user, name="welcome")
    assert "only new@example.com may see" in text_of(staff_client.get(preview))
    assert staff_client.get(f"{preview}html/").status_code == 404
    staff_client.post(preview)
    assert [email.kind for email in sent()] == ["welcome"]


def test_inactive_user_gets_no_link(staff_client, ada):
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert "Activate the user first" in text_of(staff_client.post(prepare(staff_client, ada, name="password_reset")))
    staff_client.post(prepare(staff_client, ada))
    assert [email.kind for email in sent()] == ["staff_message"]


def test_offered_emails_follow_from_the_persons_data(staff_client, ada, unconfirmed_user):
    assert "Confirmation link" not in text_of(staff_client.get(compose_url(ada)))
    assert "Confirmation link" in text_of(staff_client.get(compose_url(unconfirmed_user)))
    for name in ("welcome", "nonsense", "receipt:in_1", ""):
        assert staff_client.post(compose_url(ada), {"name": name}).status_code == 404


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"subject": "x"},
        {"subject": "x" * 151, "text": "x"},
        {"subject": "x", "text": "x" * 10_001},
        {"subject": "Hello\nBcc: eve@example.com", "text": "x"},
        {"subject": "x", "text": "\x1b[31m"},
        {"subject": " ", "text": " \r\n "},
    ],
)
def test_unusable_text_is_explained_and_kept(staff_client, ada, data):
    response = staff_client.post(compose_url(ada), data)
    assert response.status_code == 400
    assert "errorlist" in response.content.decode()
    assert response.context["form"]["subject"].value() == data.get("subject")


@pytest.mark.parametrize("codenames", [["view_user"], ["email_user"], ["view_user", "change_user"]])
def test_writing_takes_a_permission_of_its_own(staff_client, support, ada, codenames):
    preview = prepare(staff_client, ada)
    support.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    for url in (compose_url(ada), preview, f"{preview}html/"):
        assert staff_client.get(url).status_code == 403
    assert staff_client.post(preview).status_code == 403
    assert sent() == []


def test_only_superusers_write_to_privileged_accounts(staff_client, db):
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    assert staff_client.get(compose_url(root)).status_code == 403
    assert staff_client.get(reverse("admin:accounts_user_email", args=[10**9])).status_code == 404


def test_drafts_belong_to_one_session_and_one_person(staff_client, ada, unconfirmed_user):
    preview = prepare(staff_client, ada)
    other = Client()
    other.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    OutboundEmail.objects.all().delete()
    for client, url in (
        (other, preview),
        (staff_client, preview.replace(f"/{ada.pk}/", f"/{unconfirmed_user.pk}/")),
        (staff_client, f"{compose_url(ada)}{uuid4()}/"),
    ):
        client.post(url)
        assert client.get(f"{url}html/").status_code == 404
    assert sent() == []


def test_staff_account_sends_no_more_than_its_limit(staff_client, ada, monkeypatch):
    rates = {**api_settings.DEFAULT_THROTTLE_RATES, "staff_email": "3/hour"}
    monkeypatch.setattr(api_settings, "DEFAULT_THROTTLE_RATES", rates)
    for _ in range(5):
        response = staff_client.post(prepare(staff_client, ada))
    assert len(sent()) == 3
    assert "Too many of these emails were sent" in text_of(response)


def test_erasure_forgets_what_staff_wrote(staff_client, ada):
    staff_client.post(prepare(staff_client, ada))
    assert "question" in str([*LogEntry.objects.values()])
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    client.post(reverse("admin:accounts_user_delete", args=[ada.pk]), {"post": "yes"})
    assert "question" not in str([*LogEntry.objects.exclude(action_flag=3).values()])
