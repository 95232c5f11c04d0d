"""Events about email of others suppress nobody, and events about our own wait until their message is known."""

from itertools import product
from typing import Any

import pytest

from emails.models import DeliveryEvent, OutboundEmail, Suppression
from emails.tests.conftest import PROVIDERS
from emails.tests.support.provider_payloads import COMPLAINT, HARD_BOUNCE, SOFT_BOUNCE, EventByProvider
from emails.tests.support.signed_events import ago
from emails.tracking import linking
from emails.tracking.suppressions import is_suppressed

ADA, BOB = "ada@example.com", "bob@example.com"
OUR_ID = "0b5f2f0a-7f0e-4a53-9c0c-2b0f5a3f7d11"  # of another installation of this project
COMPLAINTS: EventByProvider = {provider: (name, {}) for provider, name in COMPLAINT.items()}
SUPPRESSED: EventByProvider = {
    "resend": ("email.suppressed", {"suppressed": {"reason": "previous_complaint"}}),
    "sendgrid": ("dropped", {"reason": "Spam Reporting Address"}),
}
SUPPRESSING = [
    pytest.param(provider, *events[provider], id=f"{provider} {events[provider]}")
    for events, provider in product((HARD_BOUNCE, COMPLAINTS, SUPPRESSED), PROVIDERS)
    if provider in events
]


@pytest.mark.parametrize("our_id", [None, OUR_ID])
@pytest.mark.parametrize(("provider", "name", "data"), SUPPRESSING)
def test_event_of_another_product_suppresses_nobody(webhook_sender_for, store_sent_email, provider, name, data, our_id):
    store_sent_email(provider, "ours")
    response = webhook_sender_for(provider).send_event(name, message="theirs", to=ADA, our_id=our_id, **data)
    assert (response.status_code, response.json()["new"]) == (200, 1)
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_soft_bounces_of_another_product_are_not_counted(webhook_sender_for, store_sent_email, provider):
    store_sent_email(provider, "m0")
    name, data = SOFT_BOUNCE[provider]
    for number in range(9):
        webhook_sender_for(provider).send_event(name, message=f"m{8 - number}", at=ago(minutes=9 - number), **data)
    assert not Suppression.objects.exists()


def test_undetermined_bounce_of_another_product_is_not_counted(webhook_sender_for, store_sent_email):
    store_sent_email("resend", "ours")
    for message in ("theirs", "ours"):
        webhook_sender_for("resend").send_event("email.bounced", message=message, bounce={"type": "Undetermined"})
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(("provider", "name", "data"), SUPPRESSING)
def test_setting_lets_foreign_events_suppress(webhook_sender_for, settings, provider, name, data):
    settings.EMAIL_SUPPRESS_AFTER_FOREIGN_EVENTS = True
    webhook_sender_for(provider).send_event(name, message="theirs", **data)
    assert Suppression.objects.get().address == ADA


@pytest.mark.parametrize("to", [ADA, f"{ADA} carol@example.com", "ADA@Example.com"])
@pytest.mark.parametrize(("provider", "name", "data"), SUPPRESSING)
def test_event_that_names_another_address_suppresses_nobody(
    webhook_sender_for, store_sent_email, provider, name, data, to
):
    email = store_sent_email(provider, "ours", to=to)
    our_id = {} if provider == "sequenzy" else {"our_id": email.pk}
    webhook_sender_for(provider).send_event(name, message="ours", to=BOB, **our_id, **data)
    assert not Suppression.objects.exists()
    assert DeliveryEvent.objects.get().recipient == ""


@pytest.mark.parametrize(("provider", "name", "data"), SUPPRESSING)
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_event_of_our_message_suppresses_its_recipient(
    webhook_sender_for, store_sent_email, provider, name, data, case
):
    store_sent_email(provider, "ours", to="Ada@Example.com")
    webhook_sender_for(provider).send_event(name, message="ours", to=case(ADA), **data)
    assert Suppression.objects.get().address == ADA


@pytest.mark.parametrize("field", ["cc", "bcc"])
def test_copy_that_complains_is_suppressed(webhook_sender_for, use_provider, queue_emails, deliver, field):
    use_provider("sendgrid")
    [email] = queue_emails(to=[BOB], **{field: [ADA]})
    deliver()
    webhook_sender_for("sendgrid").send_event("spamreport", message="any", our_id=email.pk, to=ADA)
    assert (is_suppressed(ADA), is_suppressed(BOB)) == (True, False)


# Events that arrive before the provider's ID of their message is stored


def link(email: OutboundEmail) -> None:
    OutboundEmail.objects.filter(pk=email.pk).update(provider_message_id="early")
    linking.link_unlinked_events()


@pytest.mark.parametrize(("provider", "name", "data"), SUPPRESSING)
def test_early_event_suppresses_once_its_message_is_known(webhook_sender_for, store_sent_email, provider, name, data):
    email = store_sent_email(provider, "")
    event: Any = webhook_sender_for(provider).event(name, message="early", to=ADA, **data)
    if provider == "sendgrid":
        event[0]["sg_message_id"] = "early"
    webhook_sender_for(provider).post(event)
    assert not Suppression.objects.exists()
    link(email)
    [suppression] = Suppression.objects.all()
    is_complaint = "ompl" in name + str(data) or "spam" in name + str(data).lower()
    assert (suppression.address, suppression.cause) == (ADA, "complaint" if is_complaint else "hard_bounce")
    suppression.delete()
    linking.link_unlinked_events()
    assert not Suppression.objects.exists()


def test_early_event_that_names_another_address_suppresses_nobody(webhook_sender_for, store_sent_email):
    email = store_sent_email("sequenzy", "")
    webhook_sender_for("sequenzy").send_event("email.complained", message="early", to=BOB)
    link(email)
    assert not Suppression.objects.exists()
    assert DeliveryEvent.objects.get().recipient == ""


def test_early_event_from_a_list_of_recipients_suppresses_only_a_single_one(webhook_sender_for, store_sent_email):
    """Resend's events list To, and never Cc or Bcc."""
    email = store_sent_email("resend", "", to=f"{ADA} {BOB}")
    webhook_sender_for("resend").send_event("email.complained", message="early", to=ADA)
    link(email)
    assert not Suppression.objects.exists()


def test_early_soft_bounces_are_counted_once_linked(webhook_sender_for, store_sent_email):
    email = store_sent_email("sequenzy", "")
    for number in range(6):
        webhook_sender_for("sequenzy").send_event(
            "email.bounced", message="early", at=ago(minutes=9 - number), bounce_type="Transient"
        )
    link(email)
    assert Suppression.objects.get().cause == "soft_bounces"
