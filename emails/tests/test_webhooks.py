"""The webhook receivers of Sequenzy, Resend, and SendGrid at /emails/webhooks/<provider>/.

A forged, stale, malformed, or oversized request gets a 4xx response and changes nothing. No request causes a 500
response, because providers send an event again after every 5xx response.

The fixtures that matter here (conftest.py defines the first three):

- ``webhook_sender`` posts events with valid signatures. A test that uses it runs once per provider.
- ``webhook_sender_for`` returns the sender of one provider: ``webhook_sender_for("resend")``.
- ``queue_emails`` queues emails, and ``deliver`` sends them to a local HTTP server that stands in for the provider.
- ``unchanged_email`` is a sent email. After the test, it asserts that no request has changed anything.
- ``bounce`` is an event that would suppress an address if the receiver accepted it.
"""

import copy
import json
import threading
import time
from io import BytesIO
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from emails.models import DeliveryEvent, Status, Suppression
from emails.tests.conftest import PROVIDERS
from emails.tests.support.signed_events import STALE_AGE, WEBHOOK_SENDERS, sign_resend
from emails.webhooks.views import MAX_BODY_BYTES, RECEIVERS

DELIVERED = {"sequenzy": "email.delivered", "resend": "email.delivered", "sendgrid": "delivered"}
BOUNCED = {"sequenzy": "email.bounced", "resend": "email.bounced", "sendgrid": "bounce"}
NOV_14_2023 = 1_700_000_000  # a fixed time of an event, in seconds since 1970

needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL")


@pytest.fixture
def unchanged_email(queue_emails, deliver, use_provider, webhook_sender_for):
    """Provide a sent email. After the test, assert that its requests changed no email and stored no event."""
    use_provider("sendgrid")
    [email] = queue_emails()
    deliver()
    yield email
    email.refresh_from_db()
    assert email.status == Status.SENT
    assert not DeliveryEvent.objects.exists()
    assert not Suppression.objects.exists()


@pytest.fixture
def bounce(webhook_sender, unchanged_email):
    """Provide a hard bounce that would suppress ada@example.com if the receiver accepted it."""
    return webhook_sender.event(BOUNCED[webhook_sender.provider], message="m1", to="ada@example.com")


@pytest.fixture
def delivered(webhook_sender):
    """Provide a well-formed event: the provider has delivered message m1."""
    return webhook_sender.event(DELIVERED[webhook_sender.provider], message="m1")


def now() -> str:
    """The current time, as the providers write it in the header that they sign."""
    return str(int(time.time()))


def single_event(payload: Any) -> dict[str, Any]:
    """Return the only event of a payload. SendGrid posts a list of events, and the others post one object."""
    return payload[0] if isinstance(payload, list) else payload  # type: ignore[no-any-return]


# Signatures and timestamps


def test_missing_signature_is_refused(webhook_sender, bounce):
    assert webhook_sender.post_raw(json.dumps(bounce).encode(), {}).status_code == 401


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="empty"),
        pytest.param("v1=", id="Sequenzy's version without a signature"),
        pytest.param("v1,", id="Resend's version without a signature"),
        # hmac.compare_digest() raises TypeError for text that isn't ASCII.
        pytest.param("é", id="not ASCII"),
        # Servers decode headers so that a byte that isn't valid text becomes a lone surrogate.
        pytest.param("\udc80", id="lone surrogate"),
        pytest.param("v1=" + "a" * 8000, id="too long"),
        pytest.param("v1," + "=" * 99, id="base64 with nothing but padding"),
        pytest.param(", , ,", id="separators only"),
        pytest.param("\x00", id="NUL"),
    ],
)
def test_malformed_signature_is_refused(webhook_sender, bounce, signature):
    headers = webhook_sender.sign(b"", now())
    [signature_header] = [name for name in headers if name.lower().endswith("signature")]
    response = webhook_sender.post_raw(json.dumps(bounce).encode(), {**headers, signature_header: signature})
    assert response.status_code == 401


def test_signature_of_another_body_is_refused(webhook_sender, bounce):
    assert webhook_sender.post(bounce, signed=b"another body").status_code == 401


def test_reserialized_body_is_refused(webhook_sender, bounce):
    """The signature covers the bytes of the body, so the same JSON with other whitespace doesn't match it."""
    compact, indented = json.dumps(bounce).encode(), json.dumps(bounce, indent=1).encode()
    assert webhook_sender.post(indented, signed=compact).status_code == 401


def test_truncated_body_is_refused(webhook_sender, bounce):
    body = json.dumps(bounce).encode()
    assert webhook_sender.post(body[:-3], signed=body).status_code == 401


@pytest.mark.parametrize(
    "timestamp",
    [
        pytest.param("", id="empty"),
        pytest.param("soon", id="word"),
        # Python's int() accepts the digits of every script and surrounding spaces, and float() accepts exponents. The
        # receivers accept none of them, because a timestamp must be exactly the text that the provider signed.
        pytest.param("١٧٩٣٨٨٠٠٠٠", id="Arabic digits"),
        pytest.param(" 1793880000", id="leading space"),
        pytest.param("1e9", id="exponent"),
        pytest.param("-1", id="before 1970"),
        pytest.param("0", id="1970"),
        pytest.param("9" * 400, id="too large for a float"),
    ],
)
def test_malformed_timestamp_is_refused(webhook_sender, bounce, timestamp):
    body = json.dumps(bounce).encode()
    headers = webhook_sender.sign(body, now())
    [timestamp_header] = [name for name in headers if name.lower().endswith("timestamp")]
    response = webhook_sender.post_raw(body, {**headers, timestamp_header: timestamp})
    assert response.status_code == 401


def test_stale_event_is_refused(webhook_sender, bounce):
    """A signature is valid for five minutes.

    SendGrid's is valid for 25 hours, because SendGrid retries for a day and may send the first signature again.
    """
    signed_at = int(time.time()) - STALE_AGE[webhook_sender.provider]
    assert webhook_sender.post(bounce, timestamp=str(signed_at)).status_code == 401


def test_event_from_the_future_is_refused(webhook_sender, bounce):
    in_a_quarter_hour = int(time.time()) + 15 * 60
    assert webhook_sender.post(bounce, timestamp=str(in_a_quarter_hour)).status_code == 401


def test_every_forgery_gets_the_same_response(webhook_sender, bounce):
    """A response that differed would show a forger which part of the check has failed."""
    without_signature = webhook_sender.post_raw(json.dumps(bounce).encode(), {})
    with_signature_of_another_body = webhook_sender.post(bounce, signed=b"another body")
    from_1970 = webhook_sender.post(bounce, timestamp="0")
    assert without_signature.content == with_signature_of_another_body.content == from_1970.content


@pytest.mark.parametrize(
    ("provider", "variable", "new_secret"),
    [
        ("sequenzy", "SEQUENZY_WEBHOOK_SECRETS", "whsec_new"),
        # Resend's secrets are base64 after the prefix: bmV3 is "new".
        ("resend", "RESEND_WEBHOOK_SECRETS", "whsec_bmV3"),
    ],
)
def test_old_secret_stays_valid_beside_a_new_one(webhook_sender_for, settings, provider, variable, new_secret):
    """During a rotation, the provider may still sign with the old secret."""
    old_secrets = getattr(settings, variable)
    setattr(settings, variable, [new_secret, *old_secrets])
    assert webhook_sender_for(provider).send_event("email.delivered", message="m1").status_code == 200


def test_missing_secret_responds_503_and_logs_the_variable(webhook_sender, bounce, settings, caplog):
    variable = RECEIVERS[webhook_sender.provider].variable
    setattr(settings, variable, [])
    assert webhook_sender.post(bounce).status_code == 503
    assert variable in caplog.text


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.binary(max_size=300),
    headers=st.dictionaries(st.sampled_from(["id", "timestamp", "signature"]), st.text(max_size=40)),
)
def test_random_request_is_refused(webhook_sender, unchanged_email, body, headers):
    # The providers' header names end alike: svix-id, X-Sequenzy-Timestamp, X-Twilio-Email-Event-Webhook-Signature.
    full_names = {name.rpartition("-")[2].lower(): name for name in webhook_sender.sign(b"", "0")}
    random_headers = {full_names[ending]: value for ending, value in headers.items() if ending in full_names}
    assert webhook_sender.post_raw(body, random_headers).status_code == 401


# Bodies


@pytest.mark.usefixtures("unchanged_email")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"null", id="null"),
        pytest.param(b"true", id="boolean"),
        pytest.param(b"17", id="number"),
        pytest.param(b'"text"', id="string"),
        pytest.param(b"not json", id="not JSON"),
        pytest.param(b"{", id="opening brace only"),
        pytest.param(b'{"type": "email.delivered"', id="unclosed object"),
        pytest.param(b"\xff\xfe\xfa", id="invalid UTF-8"),
        # Python's json module accepts NaN. RFC 8259 doesn't, and PostgreSQL can't store it as JSON.
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b'[{"event": "delivered", "timestamp": NaN}]', id="NaN in an event"),
        # Python's json module raises RecursionError for deep nesting, which isn't a ValueError.
        pytest.param(b"[" * 100_000, id="100,000 nested arrays"),
        pytest.param(b'{"a":' * 50_000, id="50,000 nested objects"),
        # Python refuses to convert more than 4,300 digits to an int.
        pytest.param(b"9" * 10_000, id="10,000 digits"),
    ],
)
def test_signed_body_with_invalid_json_is_refused(webhook_sender, body):
    assert webhook_sender.post(body).status_code == 400


@pytest.mark.usefixtures("unchanged_email")
@pytest.mark.parametrize(
    ("provider", "payload"),
    [
        pytest.param("sequenzy", [{"type": "email.delivered"}], id="sequenzy: list instead of one event"),
        pytest.param("resend", [{"type": "email.delivered"}], id="resend: list instead of one event"),
        pytest.param("sendgrid", {"event": "delivered"}, id="sendgrid: one event instead of a list"),
    ],
)
def test_signed_body_of_wrong_shape_is_refused(webhook_sender_for, provider, payload):
    assert webhook_sender_for(provider).post(payload).status_code == 400


@pytest.mark.usefixtures("unchanged_email")
def test_too_large_body_is_refused(webhook_sender, delivered):
    body = json.dumps(delivered).encode() + b" " * MAX_BODY_BYTES
    assert webhook_sender.post(body).status_code == 413


@pytest.mark.parametrize(
    ("padding", "status"), [pytest.param(0, 200, id="small"), pytest.param(MAX_BODY_BYTES, 413, id="too large")]
)
def test_chunked_body_without_length_is_read(webhook_sender, delivered, db, padding, status):
    """Gunicorn passes on a chunked body with an end, but without a length."""
    body = json.dumps(delivered).encode() + b" " * padding
    chunked = {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    path = f"/emails/webhooks/{webhook_sender.provider}/"
    headers = webhook_sender.sign(body, now())
    response = webhook_sender.client.post(path, content_type="application/json", headers=headers, **chunked)
    assert response.status_code == status


# Routing


@pytest.mark.usefixtures("unchanged_email")
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_other_method_is_refused(webhook_sender, method):
    response = getattr(webhook_sender.client, method)(f"/emails/webhooks/{webhook_sender.provider}/")
    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.parametrize("slash", ["", "/"])
def test_slash_is_optional_and_no_login_is_required(webhook_sender, delivered, db, settings, slash):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    response = webhook_sender.post(delivered, path=f"/emails/webhooks/{webhook_sender.provider}{slash}")
    assert response.json() == {"received": 1, "new": 1}


def test_unknown_provider_is_404(client):
    assert client.post("/emails/webhooks/mailgun/").status_code == 404


# Events


def test_unknown_event_type_is_stored_and_acknowledged(webhook_sender, db):
    assert webhook_sender.send_event("email.teleported", message="m1").json() == {"received": 1, "new": 1}
    assert DeliveryEvent.objects.get().type == "other"


def test_invalid_event_does_not_spoil_the_others(webhook_sender_for, db):
    """SendGrid repeats a refused batch as a whole, so one invalid event would block all events that came with it."""
    sendgrid = webhook_sender_for("sendgrid")
    [[first], [second], [third]] = [sendgrid.event("delivered", message=message) for message in ("m0", "m1", "m2")]
    not_objects: list[object] = [None, 17, "text", []]
    without_a_type = [{}, {"event": 5}]
    of_wrong_types = {"event": "bounce", "timestamp": "x", "email": ["no"], "sg_message_id": {}}
    response = sendgrid.post([first, *not_objects, *without_a_type, of_wrong_types, second, third])
    assert response.json() == {"received": 10, "new": 10}
    assert DeliveryEvent.objects.filter(type="delivered").count() == 3


@pytest.mark.parametrize(
    "hostile_json",
    [
        # PostgreSQL can store NUL neither as text nor as JSON.
        pytest.param(r'"a\u0000b"', id="NUL"),
        pytest.param(r'{"a": {"b": "\u0000"}}', id="nested NUL"),
        # RFC 8259 allows half of a surrogate pair, but UTF-8 can't encode it.
        pytest.param(r'"\ud800"', id="lone surrogate"),
        # This is a valid number in JSON, but Python reads it as infinity, which JSON can't express again.
        pytest.param("1e400", id="infinity"),
        pytest.param("-1e400", id="minus infinity"),
        pytest.param("1" + "0" * 40, id="beyond every date"),
        pytest.param("9223372036854775808", id="one more than a bigint holds"),
        pytest.param("-1", id="negative"),
        pytest.param("true", id="boolean, which Python counts as an int"),
        pytest.param("null", id="null"),
        pytest.param("[]", id="array"),
        pytest.param("{}", id="object"),
        pytest.param('"' + "9" * 400 + '"', id="digits too many for a float"),
        # The Resend receiver also reads times in this form. The other receivers must not fail on them.
        pytest.param('"2023-10-06 23:47:56.678+00"', id="time with a space"),
    ],
)
def test_hostile_value_is_never_a_server_error(webhook_sender, delivered, db, hostile_json):
    """Each field of an event, in turn, holds the hostile value."""
    for path in field_paths(single_event(delivered)):
        payload = copy.deepcopy(delivered)
        set_field(single_event(payload), path, "(hostile)")
        body = json.dumps(payload).replace('"(hostile)"', hostile_json)
        assert webhook_sender.post(body.encode()).status_code in (200, 400), path


def field_paths(event: dict[str, Any]) -> list[str]:
    """Return the paths of the fields that an event has, for example "data.to", and of fields that it may have."""
    optional = ["reason", "bounce", "tags", "failure", "custom"]
    top_level = [*event, *optional]
    below_data = [*event["data"], *optional] if "data" in event else []
    return [*top_level, *(f"data.{name}" for name in below_data)]


def set_field(event: dict[str, Any], path: str, value: object) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        event = event[parent]
    event[name] = value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
resend_and_sequenzy_fields = ["type", "created_at", "data"]
sendgrid_fields = ["event", "timestamp", "email", "reason", "sg_message_id", "app_message_id", "status"]


# Hypothesis warns about fixtures that all examples share. Here each example only adds events to the same database.
@hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.dictionaries(st.sampled_from(resend_and_sequenzy_fields + sendgrid_fields), json_values))
def test_signed_event_with_random_values_is_stored_or_refused(webhook_sender, db, changes):
    payload = webhook_sender.event(DELIVERED[webhook_sender.provider], message="m1")
    single_event(payload).update(changes)
    assert webhook_sender.post(payload).status_code in (200, 400)


def test_raw_payload_contains_no_key(webhook_sender, db):
    webhook_sender.send_event(
        BOUNCED[webhook_sender.provider], message="m1", reason="key re_0123456789abcdef was SG.0123456789.abcdef"
    )
    assert "0123456789" not in json.dumps([*DeliveryEvent.objects.values_list("raw", "detail")])


# Repetition and retries


@needs_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_event_delivered_in_parallel_counts_once(webhook_sender_for, provider):
    sender = webhook_sender_for(provider)
    payloads = [sender.event(DELIVERED[provider], message=f"m{n}", at=NOV_14_2023 + n) for n in range(4)]
    responses: list[int] = []

    def post_all() -> None:
        responses.extend(WEBHOOK_SENDERS[provider]().post(payload).status_code for payload in payloads)
        connection.close()

    threads = [threading.Thread(target=post_all) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert responses == [200] * 20
    assert DeliveryEvent.objects.count() == 4


# A provider may send an event again under another ID. The receivers compare the content instead.


def test_sendgrid_event_with_another_id_is_recognized(webhook_sender_for, db):
    sendgrid = webhook_sender_for("sendgrid")
    [event] = sendgrid.event("delivered", message="m1", at=NOV_14_2023)
    first = sendgrid.post([{**event, "sg_event_id": "one"}])
    second = sendgrid.post([{**event, "sg_event_id": "another"}])
    assert (first.json()["new"], second.json()["new"]) == (1, 0)


def test_resend_event_with_another_id_is_recognized(webhook_sender_for, db):
    """Resend sends the ID in the header svix-id, and sign_resend() generates a new ID for each request."""
    resend = webhook_sender_for("resend")
    body = json.dumps(resend.event("email.delivered", message="m1", at=NOV_14_2023)).encode()
    first = resend.post_raw(body, sign_resend(body, now()))
    second = resend.post_raw(body, sign_resend(body, now()))
    assert (first.json()["new"], second.json()["new"]) == (1, 0)


def test_sequenzy_event_with_another_id_is_recognized(webhook_sender_for, db):
    sequenzy = webhook_sender_for("sequenzy")
    event = sequenzy.event("email.delivered", message="m1", at=NOV_14_2023)
    first = sequenzy.post({**event, "id": "evt_one"})
    second = sequenzy.post({**event, "id": "evt_another"})
    assert (first.json()["new"], second.json()["new"]) == (1, 0)


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_locked_database_makes_the_provider_retry(webhook_sender_for):
    resend = webhook_sender_for("resend")
    second_connection = connection.copy()
    try:
        with transaction.atomic(), second_connection.cursor() as blocking, connection.cursor() as cursor:
            blocking.execute("BEGIN; LOCK TABLE emails_deliveryevent")
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
            refused = resend.send_event("email.delivered", message="m1")
            # The failed statement has aborted the transaction of this test, so it can't be committed.
            transaction.set_rollback(True)
    finally:
        second_connection.close()
    assert (refused.status_code, refused["Retry-After"]) == (503, "30")
    assert resend.send_event("email.delivered", message="m1").json()["new"] == 1
