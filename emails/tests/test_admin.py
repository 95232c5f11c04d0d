"""The question at three in the morning: did this person get the mail, and if not, why?"""

import pytest
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
def staff(db) -> Client:
    """Somebody who may look at messages and do nothing."""
    user = get_user_model().objects.create_user("looker@example.com", "secret", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_outboundemail"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def letter(queue) -> OutboundEmail:
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
def test_a_message_is_found_by_what_one_knows_of_it(admin_client, letter, queue, by):
    queue(3)
    OutboundEmail.objects.filter(pk=letter.pk).update(
        provider_message_id="re_9", idempotency_key="receipt:in_1", subject="Hello Ada"
    )
    OutboundEmail.objects.exclude(pk=letter.pk).update(subject="Other")
    answer = admin_client.get(LIST, {"q": str(letter.pk) if by == "id" else by})
    assert [email.pk for email in answer.context["cl"].result_list] == [letter.pk]


@pytest.mark.parametrize(
    "choice", [{"status__exact": "failed"}, {"reason__exact": "refused"}, {"kind": "receipt"}, {"provider": "resend"}]
)
def test_messages_are_filtered(admin_client, queue, choice):
    ProviderState.objects.create(name="resend")
    (failed,) = queue(kind="receipt")
    queue()
    OutboundEmail.objects.filter(pk=failed.pk).update(status="failed", reason="refused", provider="resend")
    answer = admin_client.get(LIST, choice)
    assert [email.pk for email in answer.context["cl"].result_list] == [failed.pk]
    assert b"failed (refused)" in answer.content


def test_the_page_says_where_the_message_is_and_all_that_happened(admin_client, api, letter, deliver):
    api.faults = ["422"]
    deliver()
    shown = admin_client.get(page(letter)).content.decode()
    for words in ("The provider rejected it permanently.", "HTTP 422", "then retry", "Retry now"):
        assert words in shown
    for words in (
        "Ada &lt;ada@example.com&gt;",
        "X-Campaign",
        "invoice.pdf (application/pdf, 4 bytes)",
        "Hello &lt;b&gt;",
    ):
        assert words in shown
    assert f'<iframe sandbox src="{LIST}{letter.pk}/html/"' in shown


def test_the_html_is_shown_where_it_can_do_nothing(admin_client, letter):
    answer = admin_client.get(f"{LIST}{letter.pk}/html/")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; sandbox"
    assert answer["Content-Security-Policy"] == policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.content == b"<p>Hello</p><script>alert(1)</script>"


def test_live_links_are_shown_to_nobody(admin_client, queue):
    (email,) = queue(sensitive=True)
    shown = admin_client.get(page(email)).content.decode()
    assert "Hello there." not in shown
    assert "contains live links" in shown
    assert admin_client.get(f"{LIST}{email.pk}/html/").status_code == 404


def test_a_blanked_message_says_so(admin_client, letter):
    OutboundEmail.objects.update(content=None, status="failed")
    assert "have the person request a new one" in admin_client.get(page(letter)).content.decode()


def test_who_may_look_may_look_only(staff, letter):
    assert "Retry now" not in staff.get(page(letter)).content.decode()
    assert staff.get(f"{LIST}{letter.pk}/html/").status_code == 200
    assert staff.post(f"{LIST}{letter.pk}/operate/cancel/").status_code == 403
    assert staff.get("/admin/emails/deliveryattempt/").status_code == 403
    staff.post(LIST, {"action": "cancel", "_selected_action": [letter.pk]})
    letter.refresh_from_db()
    assert letter.status == "queued"


@pytest.mark.parametrize("path", ["change/", "html/"])
def test_a_stranger_sees_nothing(client, letter, path):
    assert client.get(f"{LIST}{letter.pk}/{path}").status_code == 302


@pytest.mark.parametrize("path", ["add/", "{}/delete/"])
def test_nothing_is_added_or_deleted_by_hand(admin_client, letter, path):
    assert admin_client.get(LIST + path.format(letter.pk)).status_code == 403


def test_nothing_is_edited_by_hand(admin_client, letter):
    assert admin_client.post(page(letter), {"status": "sent"}).status_code == 403


def test_a_button_works_by_post_with_a_token_only(admin_user, letter):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    url = f"{LIST}{letter.pk}/operate/cancel/"
    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 403
    client.get(page(letter))
    answer = client.post(url, {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}, follow=True)
    assert "Canceled manually" in answer.content.decode()


def test_what_a_person_did_is_recorded_and_shown(admin_client, letter):
    admin_client.post(f"{LIST}{letter.pk}/operate/cancel/")
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.get_change_message()) == (str(letter.pk), "Canceled.")
    assert "admin@example.com: Canceled." in admin_client.get(page(letter)).content.decode()


def test_what_is_refused_is_said_and_not_recorded(admin_client, letter):
    OutboundEmail.objects.update(content=None, status="failed")
    answer = admin_client.post(f"{LIST}{letter.pk}/operate/retry/", follow=True)
    assert "Its body has been deleted, so have the person request a new one." in answer.content.decode()
    assert not LogEntry.objects.exists()


def test_resending_leads_to_the_copy(admin_client, letter, deliver):
    deliver()
    answer = admin_client.post(f"{LIST}{letter.pk}/operate/resend/", follow=True)
    copy = OutboundEmail.objects.exclude(pk=letter.pk).get()
    assert answer.redirect_chain == [(page(copy), 302)]
    assert f'a copy of <a href="{page(letter)}">' in answer.content.decode()


def test_an_unknown_operation_is_not_found(admin_client, letter):
    assert admin_client.post(f"{LIST}{letter.pk}/operate/forget/").status_code == 404


@pytest.mark.parametrize(
    ("action", "status"),
    [("retry", "failed"), ("retry_even_twice", "failed"), ("cancel", "queued"), ("resend", "sent")],
)
def test_actions_take_what_they_can_and_explain_the_rest(admin_client, queue, action, status):
    done, refused = queue(2)
    OutboundEmail.objects.update(status=status, due_at=database_now())
    OutboundEmail.objects.filter(pk=refused.pk).update(content=None, status="complained")
    answer = admin_client.post(LIST, {"action": action, "_selected_action": [done.pk, refused.pk]}, follow=True)
    said = [str(message) for message in answer.context["messages"]]
    assert said[0].endswith(". (1)")
    assert said[1].startswith("1 not changed: ")
    assert LogEntry.objects.get().object_id == str(done.pk)


def test_a_paused_provider_is_resumed(admin_client, api, queue, deliver):
    queue()
    api.faults = ["401"]
    deliver()
    admin_client.post("/admin/emails/providerstate/", {"action": "resume", "_selected_action": ["resend"]})
    state = ProviderState.objects.get(name="resend")
    assert (state.paused_until, state.reason, state.failures) == (None, "", 0)
    assert LogEntry.objects.get().object_repr == "resend"


def test_an_attempt_shows_what_came_of_it_and_never_its_body(admin_client, api, letter, deliver):
    api.faults = ["cut-after"]
    deliver()
    attempt = DeliveryAttempt.objects.get()
    assert attempt.body is not None
    shown = admin_client.get(f"/admin/emails/deliveryattempt/{attempt.pk}/change/").content.decode()
    assert page(letter) in shown
    assert "app.example.com/x" not in shown
    found = admin_client.get("/admin/emails/deliveryattempt/", {"q": str(letter.pk)})
    assert found.context["cl"].result_count == 1


def test_an_address_is_suppressed_by_hand_and_lifted(admin_client):
    admin_client.post("/admin/emails/suppression/add/", {"address": " Ada@Bücher.example ", "detail": "asked by phone"})
    suppression = Suppression.objects.get()
    assert (suppression.address, suppression.cause) == ("ada@xn--bcher-kva.example", "manual")
    shown = admin_client.get(f"/admin/emails/suppression/{suppression.pk}/change/")
    assert b"added manually" in shown.content
    admin_client.post(f"/admin/emails/suppression/{suppression.pk}/delete/", {"post": "yes"})
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("address", ["ada@example.com", "ADA@example.com", "nobody", "a@b\r\nBcc: c@d"])
def test_a_wrong_or_known_address_is_refused(admin_client, address):
    Suppression.objects.create(address="ada@example.com")
    answer = admin_client.post("/admin/emails/suppression/add/", {"address": address})
    assert answer.status_code == 200
    assert answer.context["errors"]
    assert Suppression.objects.count() == 1
