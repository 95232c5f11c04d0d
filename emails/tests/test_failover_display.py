"""A failover is visible: in the log, in /readyz, in the admin, and in the history of each message."""

from datetime import timedelta

import pytest

from emails import monitoring
from emails.models import DeliveryAttempt, OutboundEmail, Status
from emails.support.explanations import explain
from emails.support.history import history

pytestmark = pytest.mark.urls("emails.tests.support.urls")
UNSENDABLE = {"reply_to": ["ann@acme.example", "ben@acme.example"]}  # Sequenzy carries one address only


def test_start_and_end_are_logged_once(fail_over, provider_api, queue_emails, live_through, caplog):
    fail_over()
    provider_api.defaults = {}
    live_through(timedelta(minutes=1))
    queue_emails(1)
    live_through(timedelta(minutes=1))
    messages = [record.getMessage() for record in caplog.records]
    assert sum("so sendgrid carries emails" in message for message in messages) == 1
    assert sum("carries emails again" in message for message in messages) == 1


def test_attempts_of_the_second_name_the_first(fail_over):
    fail_over()
    attempts = DeliveryAttempt.objects.filter(provider="sendgrid")
    assert set(attempts.values_list("fallback_for", flat=True)) == {"resend"}
    assert set(DeliveryAttempt.objects.filter(provider="resend").values_list("fallback_for", flat=True)) == {""}


def test_history_shows_who_stood_in_for_whom(fail_over):
    fail_over()
    details = [entry.detail for entry in history(OutboundEmail.objects.latest("created_at"))]
    assert any("sendgrid: accepted; stood in for resend, which couldn't be used" in detail for detail in details)
    assert any("resend: not accepted; HTTP 401" in detail for detail in details)


def test_report_is_degraded_and_names_both_providers(fail_over):
    fail_over()
    report = monitoring.report()
    assert not report.is_healthy
    assert report.providers["resend"]["state"] == "misconfigured"
    assert "sendgrid has carried emails since 20" in report.providers["resend"]["reason"]
    assert report.providers["sendgrid"] == {"state": "ok", "reason": ""}


def test_report_is_healthy_again_after_the_failover(fail_over, provider_api, queue_emails, live_through):
    fail_over()
    provider_api.defaults = {"resend": "503", "sendgrid": "503"}
    queue_emails(5, to=["later@example.com"])
    live_through(timedelta(minutes=2))
    assert monitoring.report().providers["sendgrid"]["state"] == "open"
    provider_api.defaults = {}
    live_through(timedelta(minutes=2))
    report = monitoring.report()
    assert report.providers == {name: {"state": "ok", "reason": ""} for name in ("resend", "sendgrid")}
    assert report.is_healthy


def test_fallback_that_cannot_be_used_is_reported_before_it_is_needed(use_two, settings, deliver, db):
    use_two()
    settings.SENDGRID_API_KEY = ""
    deliver()
    report = monitoring.report()
    assert not report.is_healthy
    assert report.providers["sendgrid"]["state"] == "misconfigured"
    assert "SENDGRID_API_KEY" in report.providers["sendgrid"]["reason"]


def test_waiting_message_is_explained(fail_over, queue_emails, deliver):
    fail_over("resend", "sequenzy")
    [email] = queue_emails(1, **UNSENDABLE)
    deliver()
    email.refresh_from_db()
    explanation = explain(email)
    assert explanation.sentence.startswith(
        "Waiting for resend: sequenzy, which stands in for it, can't send this message."
    )
    assert "resend can't be used with its current settings." in explanation.sentence
    assert "restart every process" in explanation.advice


def test_message_for_the_second_provider_is_explained(fail_over, provider_api, queue_emails, deliver):
    fail_over()
    [email] = queue_emails(1)
    expected = "resend can't be used, so sendgrid carries emails. Queued. It's due now"
    assert explain(email).sentence.startswith(expected)
    provider_api.defaults["sendgrid"] = "401"
    deliver()
    deliver()
    email.refresh_from_db()
    assert "sendgrid can't be used with its current settings" in explain(email).sentence


def test_admin_shows_since_when_the_second_carries_email(fail_over, admin_client, provider_api):
    assert "has carried emails" not in admin_client.get("/admin/emails/providerstate/").content.decode()
    fail_over()
    page = admin_client.get("/admin/emails/providerstate/")
    warnings = [str(message) for message in page.context["messages"]]
    assert len(warnings) == 1
    assert warnings[0].startswith("resend can't be used. sendgrid has carried emails since 20")
    assert "Needs new settings" in page.content.decode()


def test_advice_links_to_the_page_with_the_button(fail_over, admin_client, use_provider, queue_emails, settings):
    fail_over()
    settings.EMAIL_FALLBACK_PROVIDER = ""
    [email] = queue_emails(1)
    url = "/admin/emails/providerstate/resend/change/"
    assert f'<a href="{url}">' in admin_client.get(f"/admin/emails/outboundemail/{email.pk}/change/").content.decode()
    assert "Resume now" in admin_client.get(url).content.decode()
    response = admin_client.post("/admin/emails/providerstate/resend/operate/resume/", follow=True)
    assert "Resumed." in response.content.decode()


@pytest.mark.urls("myproject.urls")
def test_events_of_both_providers_arrive_during_a_failover(fail_over, provider_api, webhook_sender_for, live_through):
    fail_over()
    provider_api.defaults = {}
    live_through(timedelta(minutes=1))
    email = OutboundEmail.objects.filter(provider="sendgrid").latest("created_at")
    webhook_sender_for("sendgrid").send_event("delivered", message=email.provider_message_id, to=email.recipients)
    email.refresh_from_db()
    assert email.status == Status.DELIVERED
    assert webhook_sender_for("resend").send_event("email.delivered", message="other").status_code == 200
