"""Resend's events about the suppression list of its account, which belong to no message."""

import pytest

from emails.models import DeliveryEvent, Suppression
from emails.tests.support.signed_events import WebhookSender

ADA = "ada@example.com"


@pytest.fixture
def resend(webhook_sender_for) -> WebhookSender:
    sender: WebhookSender = webhook_sender_for("resend")
    return sender


def entry(name: str, **data: object) -> dict[str, object]:
    data = {"id": "sup_1", "email": ADA, "origin": "bounce", **data}
    return {"type": name, "created_at": "2026-11-20T10:00:00Z", "data": data}


@pytest.mark.parametrize(
    ("origin", "cause", "scope"),
    [
        ("bounce", "hard_bounce", "everything"),
        ("complaint", "complaint", "unrequested"),
        ("Complaint", "complaint", "unrequested"),
        ("manual", "manual", "everything"),
        ("something new", "hard_bounce", "everything"),
        (None, "hard_bounce", "everything"),
        (["bounce"], "hard_bounce", "everything"),
    ],
)
def test_added_address_is_suppressed(resend, origin, cause, scope):
    for _ in range(2):
        assert resend.post(entry("suppression.added", origin=origin)).status_code == 200
    suppression = Suppression.objects.get()
    assert (suppression.address, suppression.cause, suppression.scope) == (ADA, cause, scope)
    event = DeliveryEvent.objects.get()
    assert (event.type, event.cause, event.recipient) == ("suppressed", cause, ADA)


@pytest.mark.parametrize("email", ["Ada Lovelace <ADA@example.com>", "ADA@example.com"])
def test_address_is_read_in_every_form(resend, email):
    resend.post(entry("suppression.added", email=email))
    assert Suppression.objects.get().address == ADA


@pytest.mark.parametrize("data", [{"email": None}, {"email": ""}, {"email": ["a@example.com", "b@example.com"]}])
def test_entry_about_no_single_address_suppresses_nobody(resend, data):
    assert resend.post(entry("suppression.added", **data)).status_code == 200
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("origin", ["bounce", "complaint", "manual"])
def test_removed_address_stays_suppressed(resend, origin):
    resend.post(entry("suppression.added", origin=origin))
    resend.post(entry("suppression.removed", origin=origin))
    assert Suppression.objects.count() == 1
    assert DeliveryEvent.objects.filter(type="other", detail=origin, recipient=ADA).count() == 1


def test_origin_is_in_the_detail(resend):
    resend.post(entry("suppression.added", origin="complaint"))
    assert Suppression.objects.get().detail == "complaint"
