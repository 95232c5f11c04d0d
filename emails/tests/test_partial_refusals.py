"""SMTP servers that accept a message for some of its recipients and refuse others."""

import pytest
from django.core.mail.backends.smtp import EmailBackend

from emails.models import DeliveryAttempt, OutboundEmail, Status
from emails.tests.support.messages import mail
from emails.tests.support.smtp_server import SmtpServer


class OwnBackend(EmailBackend):
    """An SMTP backend of a project."""


@pytest.fixture(params=["smtp", f"{__name__}.OwnBackend"])
def smtp(request, outbox, settings, db):
    with SmtpServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        if request.param == "smtp":
            settings.EMAIL_PROVIDER = "smtp"
        else:
            settings.EMAIL_DELIVERY_BACKEND = request.param
        yield server


@pytest.mark.parametrize("response", ["550 5.1.1 no such user", "452 4.2.2 mailbox is full"])
def test_refused_recipient_is_named_and_not_tried_again(smtp, deliver, response):
    smtp.script = {"RCPT gone@example.com": response}
    mail(to=["gone@example.com", "ada@example.com"], bcc=["away@example.com"]).send()
    deliver()
    row = OutboundEmail.objects.get()
    assert (row.status, row.due_at) == (Status.SENT, None)
    assert "gone@example.com" in row.detail
    assert response in row.detail
    assert "ada@example.com" not in row.detail
    assert DeliveryAttempt.objects.get().detail == row.detail
    assert smtp.envelopes == [("hello@acme.example", ["ada@example.com", "away@example.com"])]
    assert deliver() == 0


def test_every_refused_recipient_is_named(smtp, deliver):
    smtp.script = {f"RCPT {name}@example.com": f"55{number} {name}" for number, name in enumerate("abc")}
    mail(to=[f"{name}@example.com" for name in "abcd"]).send()
    deliver()
    assert OutboundEmail.objects.get().detail == (
        "Refused for a@example.com: 550 a; b@example.com: 551 b; c@example.com: 552 c"
    )


def test_message_that_everybody_got_has_no_detail(smtp, deliver):
    smtp.script = {"RCPT gone@example.com": "550 no such user"}
    for recipient in ("gone@example.com", "ada@example.com"):
        mail(to=[recipient]).send()
        deliver()
    details = dict(OutboundEmail.objects.values_list("recipients", "detail"))
    assert details["ada@example.com"] == ""
    assert OutboundEmail.objects.get(recipients="gone@example.com").status == Status.FAILED
