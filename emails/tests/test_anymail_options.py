"""Attributes that Anymail documents for a message: each is carried, or refused in words before any call."""

import json
from typing import Any
from uuid import uuid4

import pytest
from anymail.backends.base import BasePayload
from anymail.message import AnymailMessage
from anymail.utils import UNSET

from emails.backends import get_backend
from emails.errors import InvalidMessage, UnsupportedFeature
from emails.message import Message
from emails.message.options import CARRIED, REFUSED
from emails.models import OutboundEmail
from emails.tests.support.captured import REFUSED as WAS_REFUSED
from emails.tests.support.captured import payload_or_refused
from emails.tests.support.messages import mail, sent

DOCUMENTED = [attribute for attribute, _, _ in BasePayload.anymail_message_attrs]


def mail_with(attribute, value):
    message = mail(to=["ann@example.com", "bob@example.com"])
    setattr(message, attribute, value)
    return message


def test_every_documented_attribute_is_carried_or_refused():
    assert set(DOCUMENTED) == CARRIED | REFUSED.keys()


@pytest.mark.parametrize("value", [{}, "", [], {"ann@example.com": {"name": "Ann"}}])
@pytest.mark.parametrize("attribute", sorted(REFUSED))
def test_attribute_that_cannot_be_carried_is_refused(provider_api, provider, attribute, value):
    """To Anymail, an empty ``merge_data`` also asks for one email to each recipient."""
    with pytest.raises(InvalidMessage, match=f"sets {attribute}, which can't be passed on"):
        sent(provider, provider_api, mail_with(attribute, value))
    assert provider_api.calls == 0


@pytest.mark.parametrize("value", [None, UNSET, type("UNSET", (object,), {})])
@pytest.mark.parametrize("attribute", DOCUMENTED)
def test_unset_attribute_changes_nothing(provider_api, provider, attribute, value):
    payload = sent(provider, provider_api, mail_with(attribute, value))
    plain = sent(provider, provider_api, mail(to=["ann@example.com", "bob@example.com"]))
    for one in (payload, plain):  # both contain our message ID, which differs
        one.pop("tags", None)
        one.get("personalizations", [{}])[0].pop("custom_args", None)
    assert payload == plain


def test_anymail_message_is_queued_as_a_plain_message(queue_emails, deliver, provider_api):
    AnymailMessage("Hi", "Body", "hello@acme.example", ["ada@example.com"]).send()
    deliver()
    assert provider_api.accepted[0].payload["text"] == "Body"


def test_values_beside_unset_ones_arrive(queue_emails, deliver, use_provider, provider_api):
    use_provider("sendgrid")
    AnymailMessage(
        "Hi", "Body", "hello@acme.example", ["ada@example.com"], tags=["receipt"], metadata={"order": "1"}
    ).send()
    deliver()
    payload = provider_api.accepted[0].payload
    assert payload["categories"] == ["receipt"]
    assert payload["personalizations"][0]["custom_args"]["app_order"] == "1"
    assert OutboundEmail.objects.get().metadata == {"order": "1"}


def test_inline_image_of_anymail_arrives(provider_api, provider):
    message = AnymailMessage("Hi", "Body", "hello@acme.example", ["ada@example.com"])
    content_id = message.attach_inline_image(b"PNG", "logo.png", "png")
    message.attach_alternative(f'<img src="cid:{content_id}">', "text/html")
    [file] = sent(provider, provider_api, message)["attachments"]
    assert content_id in file.values()


TRACKING = {
    ("sendgrid", "track_clicks"): lambda on: {"click_tracking": {"enable": on, "enable_text": on}},
    ("sendgrid", "track_opens"): lambda on: {"open_tracking": {"enable": on}},
    ("sequenzy", "track_clicks"): lambda on: WAS_REFUSED if on else {"clickTracking": False},
    ("sequenzy", "track_opens"): lambda on: WAS_REFUSED if on else {"openTracking": False},
}


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("attribute", ["track_clicks", "track_opens"])
def test_tracking_is_switched_or_refused(provider_api, provider, attribute, is_on):
    payload = payload_or_refused(provider, provider_api, mail_with(attribute, is_on))
    expected = TRACKING.get((provider, attribute), lambda _: WAS_REFUSED)(is_on)
    if expected != WAS_REFUSED:
        payload = payload.get("tracking_settings") or payload["trackingSettings"]
    assert payload == expected


@pytest.mark.parametrize("attribute", ["track_clicks", "track_opens"])
def test_sensitive_message_cannot_be_tracked(provider_api, provider, attribute):
    message = mail_with(attribute, True)
    message.sensitive = True
    with pytest.raises(InvalidMessage, match="never tracked"):
        sent(provider, provider_api, message)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("tags", "receipt"),
        ("metadata", ["order"]),
        ("metadata", "order"),
        ("track_clicks", "no"),
        ("track_opens", 1),
        ("envelope_sender", ""),
        ("send_at", ""),
    ],
)
def test_value_of_a_wrong_type_is_refused(provider_api, provider, attribute, value):
    assert payload_or_refused(provider, provider_api, mail_with(attribute, value)) == WAS_REFUSED


def neutral(message):
    return Message.from_django(message, uuid4())


@pytest.mark.parametrize("attribute", ["track_clicks", "track_opens", "send_at"])
@pytest.mark.parametrize("provider", ["smtp", "console"])
def test_backend_of_django_refuses_what_it_cannot_do(provider, attribute):
    message = mail_with(attribute, 2_000_000_000 if attribute == "send_at" else False)
    with pytest.raises(UnsupportedFeature, match=f"{provider} doesn't support {attribute}"):
        get_backend(provider).serialize(neutral(message))


def test_other_backend_gets_the_attributes():
    """Such as Anymail's, which then carry or refuse them."""
    message = mail_with("track_clicks", False)
    message.track_opens, message.tags = True, ["receipt"]
    stored = Message.from_json(json.loads(json.dumps(neutral(message).to_json())))
    django_message: Any = stored.to_django()
    assert (django_message.track_clicks, django_message.track_opens, django_message.tags) == (False, True, ["receipt"])
