"""The admin of delivery events, with the raw payload for as long as it is kept."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from emails.models import ContactChange, DeliveryEvent, OutboundEmail, Suppression
from emails.retention import purge
from emails.tests.support.clock import travel


@pytest.fixture
def admin(client, db):
    client.force_login(get_user_model().objects.create_superuser("root@example.com", "correct horse", name="Root"))
    return client


def page(admin, path: str) -> str:
    response = admin.get(f"/admin/emails/{path}")
    assert response.status_code == 200, path
    return str(response.content.decode())


@pytest.fixture
def event(webhook_sender_for, queue_emails, deliver):
    (row,) = queue_emails()
    deliver()
    bounce = {"bounce": {"type": "Permanent", "message": "550 <b>unknown</b>"}}
    webhook_sender_for("resend").send_event("email.bounced", message="m1", our_id=row.pk, to=row.recipients, **bounce)
    return DeliveryEvent.objects.get()


def test_message_page_shows_its_events(admin, event):
    html = page(admin, f"outboundemail/{event.email_id}/change/")
    assert "550 &lt;b&gt;unknown&lt;/b&gt;" in html
    assert "The receiving server rejected it." in html


def test_event_is_found_by_address_and_shows_raw_payload(admin, event):
    assert str(event.pk) in page(admin, "deliveryevent/?q=person-0@example.com")
    html = page(admin, f"deliveryevent/{event.pk}/change/")
    assert "&quot;type&quot;: &quot;email.bounced&quot;" in html
    assert "<b>unknown" not in html


@pytest.mark.parametrize("by", ["PERSON-0@example.com", "message", "provider ID", "ID in the event", "person-0@"])
def test_event_is_found_however_it_is_named(admin, event, by):
    email = event.email
    OutboundEmail.objects.update(provider_message_id="re_9")
    DeliveryEvent.objects.create(provider="resend", provider_message_id="m2", occurred_at=event.occurred_at)
    words = {"message": email.pk.hex, "provider ID": "re_9", "ID in the event": "m2"}
    response = admin.get("/admin/emails/deliveryevent/", {"q": words.get(by, by)})
    [found] = response.context["cl"].result_list
    assert found.email_id == (None if by == "ID in the event" else email.pk)


def test_raw_payload_is_deleted_after_retention(admin, event):
    travel(timedelta(days=31))
    OutboundEmail.objects.update(settled_at=None)
    purge()
    event.refresh_from_db()
    assert event.raw is None
    assert "no longer stored" in page(admin, f"deliveryevent/{event.pk}/change/")


def test_unlinked_event_is_deleted_after_retention(webhook_sender_for):
    webhook_sender_for("resend").send_event("email.sent", message="m1")
    travel(timedelta(days=31))
    purge()
    assert not DeliveryEvent.objects.exists()


def test_suppression_page_mentions_the_provider_list(admin, event):
    assert "Remove the email address there as well" in page(
        admin, f"suppression/{Suppression.objects.get().pk}/change/"
    )


def test_contact_changes_are_listed(admin):
    change = ContactChange.objects.create(address="ada@example.com", action="add_tag", content={"tag": "customer"})
    assert "ada@example.com" in page(admin, "contactchange/")
    assert "customer" in page(admin, f"contactchange/{change.pk}/change/")
