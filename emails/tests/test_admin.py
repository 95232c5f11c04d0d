"""The admin of messages: did this person get the email, and if not, why?"""

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from common.db import database_now
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState, Suppression

pytestmark = pytest.mark.urls("emails.tests.support.urls")

LIST = "/admin/emails/outboundemail/"


@pytest.fixture
def view_only_client(db) -> Client:
    """A staff member who may view messages and do nothing else."""
    user = get_user_model().objects.create_user("looker@example.com", "secret", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_outboundemail"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def rich_email(queue_emails) -> OutboundEmail:
    message = EmailMultiAlternatives(
        "Hello <b>", "See https://app.example.com/x", to=["Ada <ada@example.com>"], headers={"X-Campaign": "spring"}
    )
    message.attach_alternative("<p>Hello</p><script>alert(1)</script>", "text/html")
    message.attach("invoice.pdf", b"%PDF", "application/pdf")
    message.send()
    return OutboundEmail.objects.latest("created_at")


def page(email: OutboundEmail) -> str:
    return f"{LIST}{email.pk}/change/"


@pytest.mark.parametrize("by", ["ada@example", "Hello", "re_9", "receipt:in_1", "id"])
def test_search_finds_message(admin_client, rich_email, queue_emails, by):
    queue_emails(3)
    OutboundEmail.objects.filter(pk=rich_email.pk).update(
        provider_message_id="re_9", idempotency_key="receipt:in_1", subject="Hello Ada"
    )
    OutboundEmail.objects.exclude(pk=rich_email.pk).update(subject="Other")
    response = admin_client.get(LIST, {"q": str(rich_email.pk) if by == "id" else by})
    assert [email.pk for email in response.context["cl"].result_list] == [rich_email.pk]


@pytest.mark.parametrize(
    "choice", [{"status__exact": "failed"}, {"reason__exact": "refused"}, {"kind": "receipt"}, {"provider": "resend"}]
)
def test_list_filters_messages(admin_client, queue_emails, choice):
    ProviderState.objects.create(name="resend")
    (failed,) = queue_emails(kind="receipt")
    queue_emails()
    OutboundEmail.objects.filter(pk=failed.pk).update(status="failed", reason="refused", provider="resend")
    response = admin_client.get(LIST, choice)
    assert [email.pk for email in response.context["cl"].result_list] == [failed.pk]
    assert b'<span class="badge badge-bad">Rejected by provider</span>' in response.content


def test_change_page_shows_state_and_history(admin_client, provider_api, rich_email, deliver):
    provider_api.faults = ["422"]
    deliver()
    html = admin_client.get(page(rich_email)).content.decode()
    for words in ("The provider rejected it permanently.", "HTTP 422", "then retry", "Retry now"):
        assert words in html
    for words in (
        "Ada &lt;ada@example.com&gt;",
        "X-Campaign",
        "invoice.pdf (application/pdf, 4 bytes)",
        "Hello &lt;b&gt;",
    ):
        assert words in html
    assert f'<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="{LIST}{rich_email.pk}/html/"' in html


def test_html_preview_is_sandboxed(admin_client, rich_email):
    response = admin_client.get(f"{LIST}{rich_email.pk}/html/")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; sandbox "
    assert response["Content-Security-Policy"] == f"{policy}allow-popups allow-popups-to-escape-sandbox"
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response.content == b'<base target="_blank"><p>Hello</p><script>alert(1)</script>'


def test_sensitive_body_is_never_shown(admin_client, queue_emails):
    (email,) = queue_emails(sensitive=True)
    html = admin_client.get(page(email)).content.decode()
    assert "Hello there." not in html
    assert "contains live links" in html
    assert admin_client.get(f"{LIST}{email.pk}/html/").status_code == 404


def test_blanked_message_says_to_request_a_new_one(admin_client, rich_email):
    OutboundEmail.objects.update(content=None, status="failed")
    assert "have the person request a new one" in admin_client.get(page(rich_email)).content.decode()


def test_view_permission_does_not_allow_actions(view_only_client, rich_email):
    assert "Retry now" not in view_only_client.get(page(rich_email)).content.decode()
    assert view_only_client.get(f"{LIST}{rich_email.pk}/html/").status_code == 200
    assert view_only_client.post(f"{LIST}{rich_email.pk}/operate/cancel/").status_code == 403
    assert view_only_client.get("/admin/emails/deliveryattempt/").status_code == 403
    view_only_client.post(LIST, {"action": "cancel", "_selected_action": [rich_email.pk]})
    rich_email.refresh_from_db()
    assert rich_email.status == "queued"


@pytest.mark.parametrize("path", ["change/", "html/"])
def test_anonymous_visitor_is_redirected(client, rich_email, path):
    assert client.get(f"{LIST}{rich_email.pk}/{path}").status_code == 302


@pytest.mark.parametrize("path", ["add/", "{}/delete/"])
def test_messages_cannot_be_added_or_deleted(admin_client, rich_email, path):
    assert admin_client.get(LIST + path.format(rich_email.pk)).status_code == 403


def test_messages_cannot_be_edited(admin_client, rich_email):
    assert admin_client.post(page(rich_email), {"status": "sent"}).status_code == 403


def test_action_button_needs_post_and_csrf_token(admin_user, rich_email):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    url = f"{LIST}{rich_email.pk}/operate/cancel/"
    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 403
    client.get(page(rich_email))
    response = client.post(url, {"csrfmiddlewaretoken": client.cookies[settings.CSRF_COOKIE_NAME].value}, follow=True)
    assert "Canceled manually" in response.content.decode()


@pytest.mark.parametrize(("sensitive", "status"), [(True, "queued"), (False, "cancelled")])
@pytest.mark.parametrize("bulk", [True, False])
def test_only_superusers_cancel_messages_with_live_links(view_only_client, queue_emails, sensitive, status, bulk):
    permission = Permission.objects.get(codename="change_outboundemail")
    get_user_model().objects.get().user_permissions.add(permission)
    (email,) = queue_emails(sensitive=sensitive)
    path, data = f"{LIST}{email.pk}/operate/cancel/", {}
    if bulk:
        path, data = LIST, {"action": "cancel", "_selected_action": str(email.pk)}
    view_only_client.post(path, data)
    email.refresh_from_db()
    assert email.status == status


def test_action_is_logged_and_shown(admin_client, rich_email):
    admin_client.post(f"{LIST}{rich_email.pk}/operate/cancel/")
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.get_change_message()) == (str(rich_email.pk), "Canceled.")
    assert "admin@example.com: Canceled." in admin_client.get(page(rich_email)).content.decode()


def test_refused_action_is_explained_and_not_logged(admin_client, rich_email):
    OutboundEmail.objects.update(content=None, status="failed")
    response = admin_client.post(f"{LIST}{rich_email.pk}/operate/retry/", follow=True)
    assert "Its body has been deleted, so have the person request a new one." in response.content.decode()
    assert not LogEntry.objects.exists()


def test_resend_redirects_to_the_copy(admin_client, rich_email, deliver):
    deliver()
    response = admin_client.post(f"{LIST}{rich_email.pk}/operate/resend/", follow=True)
    copy = OutboundEmail.objects.exclude(pk=rich_email.pk).get()
    assert response.redirect_chain == [(page(copy), 302)]
    assert f'a copy of <a href="{page(rich_email)}">' in response.content.decode()


def test_unknown_action_is_404(admin_client, rich_email):
    assert admin_client.post(f"{LIST}{rich_email.pk}/operate/forget/").status_code == 404


@pytest.mark.parametrize(
    ("action", "status"),
    [("retry", "failed"), ("retry_even_twice", "failed"), ("cancel", "queued"), ("resend", "sent")],
)
def test_bulk_action_handles_possible_messages_and_explains_the_rest(admin_client, queue_emails, action, status):
    done, refused = queue_emails(2)
    OutboundEmail.objects.update(status=status, due_at=database_now())
    OutboundEmail.objects.filter(pk=refused.pk).update(content=None, status="complained")
    response = admin_client.post(LIST, {"action": action, "_selected_action": [done.pk, refused.pk]}, follow=True)
    messages = [str(message) for message in response.context["messages"]]
    assert messages[0].endswith(". (1)")
    assert messages[1].startswith("1 not changed: ")
    assert LogEntry.objects.get().object_id == str(done.pk)


def test_paused_provider_can_be_resumed(admin_client, provider_api, queue_emails, deliver):
    queue_emails()
    provider_api.faults = ["401"]
    deliver()
    admin_client.post("/admin/emails/providerstate/", {"action": "resume", "_selected_action": ["resend"]})
    state = ProviderState.objects.get(name="resend")
    assert state.paused_until is None
    assert state.reason == ""
    assert state.failures == 0
    assert LogEntry.objects.get().object_repr == "resend"


def test_attempt_page_shows_outcome_but_not_body(admin_client, provider_api, rich_email, deliver):
    provider_api.faults = ["cut-after"]
    deliver()
    attempt = DeliveryAttempt.objects.get()
    assert attempt.body is not None
    html = admin_client.get(f"/admin/emails/deliveryattempt/{attempt.pk}/change/").content.decode()
    assert page(rich_email) in html
    assert "app.example.com/x" not in html
    found = admin_client.get("/admin/emails/deliveryattempt/", {"q": str(rich_email.pk)})
    assert found.context["cl"].result_count == 1


def test_address_can_be_suppressed_and_lifted_by_hand(admin_client):
    admin_client.post("/admin/emails/suppression/add/", {"address": " Ada@Bücher.example ", "detail": "asked by phone"})
    suppression = Suppression.objects.get()
    assert (suppression.address, suppression.cause) == ("ada@xn--bcher-kva.example", "manual")
    html = admin_client.get(f"/admin/emails/suppression/{suppression.pk}/change/")
    assert b"added manually" in html.content
    admin_client.post(f"/admin/emails/suppression/{suppression.pk}/delete/", {"post": "yes"})
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("address", ["ada@example.com", "ADA@example.com", "nobody", "a@b\r\nBcc: c@d"])
def test_invalid_or_suppressed_address_is_refused(admin_client, address):
    Suppression.objects.create(address="ada@example.com")
    response = admin_client.post("/admin/emails/suppression/add/", {"address": address})
    assert response.status_code == 200
    assert response.context["errors"]
    assert Suppression.objects.count() == 1
