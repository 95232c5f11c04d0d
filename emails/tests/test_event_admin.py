"""The admin of events: what a provider told of a message, and its raw form as long as that is kept."""

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
    answer = admin.get(f"/admin/emails/{path}")
    assert answer.status_code == 200, path
    return str(answer.content.decode())


@pytest.fixture
def event(webhooks, queue, deliver):
    (row,) = queue()
    deliver()
    bounce = {"bounce": {"type": "Permanent", "message": "550 <b>unknown</b>"}}
    webhooks("resend").tell("email.bounced", message="m1", ours=row.pk, to=row.recipients, **bounce)
    return DeliveryEvent.objects.get()


def test_a_message_shows_what_was_told_of_it(admin, event):
    shown = page(admin, f"outboundemail/{event.email_id}/change/")
    assert "550 &lt;b&gt;unknown&lt;/b&gt;" in shown
    assert "The receiving server rejected it." in shown


def test_an_event_is_found_by_address_and_shows_its_raw_form(admin, event):
    assert str(event.pk) in page(admin, "deliveryevent/?q=person-0@example.com")
    shown = page(admin, f"deliveryevent/{event.pk}/change/")
    assert "&quot;type&quot;: &quot;email.bounced&quot;" in shown
    assert "<b>unknown" not in shown


def test_raw_forms_go_after_the_retention_period(admin, event):
    travel(timedelta(days=31))
    OutboundEmail.objects.update(settled_at=None)
    purge()
    event.refresh_from_db()
    assert event.raw is None
    assert "no longer stored" in page(admin, f"deliveryevent/{event.pk}/change/")


def test_what_belongs_to_no_message_goes_whole(webhooks):
    webhooks("resend").tell("email.sent", message="m1")
    travel(timedelta(days=31))
    purge()
    assert not DeliveryEvent.objects.exists()


def test_a_suppression_says_that_the_provider_keeps_its_own(admin, event):
    assert "Remove the email address there as well" in page(
        admin, f"suppression/{Suppression.objects.get().pk}/change/"
    )


def test_contact_changes_are_listed(admin):
    change = ContactChange.objects.create(address="ada@example.com", action="add_tag", content={"tag": "customer"})
    assert "ada@example.com" in page(admin, "contactchange/")
    assert "customer" in page(admin, f"contactchange/{change.pk}/change/")
