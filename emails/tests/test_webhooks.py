"""The receivers: forged, stale, malformed, or oversized requests are refused, change nothing, and are never a 500."""

import json
import threading
import time
from io import BytesIO

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emails.models import DeliveryEvent, Status, Suppression
from emails.tests.conftest import PROVIDERS
from emails.tests.support.signed_events import STALE_AGE, WEBHOOK_SENDERS, sign_resend, sign_sequenzy
from emails.webhooks.views import MAX_BODY_BYTES, RECEIVERS

DELIVERED = {"sequenzy": "email.delivered", "resend": "email.delivered", "sendgrid": "delivered"}
BOUNCED = {"sequenzy": "email.bounced", "resend": "email.bounced", "sendgrid": "bounce"}

INVALID_BODIES = [
    b"",
    b"null",
    b"true",
    b"17",
    b'"text"',
    b"not json",
    b"{",
    b'{"type": "email.delivered"',
    b"\xff\xfe\xfa",
    b"NaN",
    b'[{"event": "delivered", "timestamp": NaN}]',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"9" * 10_000,
]


HOSTILE_VALUES = [
    "a\x00b",
    "\ud800",
    1e400,
    -1e400,
    10**40,
    2**63,
    -1,
    True,
    None,
    [],
    {},
    "9" * 400,
    {"a": {"b": "\x00"}},
    "2023-10-06 23:47:56.678+00",
]

needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL")


@pytest.fixture
def nothing_changes(queue_emails, deliver, use_provider, webhook_sender_for):
    """A sent message; after the test, assert that the posted requests changed nothing."""
    use_provider("sendgrid")
    (row,) = queue_emails()
    deliver()
    yield row
    row.refresh_from_db()
    assert row.status == Status.SENT
    assert not DeliveryEvent.objects.exists()
    assert not Suppression.objects.exists()


@pytest.fixture
def bounce(webhook_sender, nothing_changes):
    """An event that would change something if it were accepted."""
    return webhook_sender.event(BOUNCED[webhook_sender.provider], message="m1", to="ada@example.com")


def test_missing_signature_is_refused(webhook_sender, bounce):
    assert webhook_sender.post_raw(json.dumps(bounce).encode(), {}).status_code == 401


@pytest.mark.parametrize(
    "header", ["", "v1=", "v1,", "é", "\udc80", "v1=" + "a" * 8000, "v1," + "=" * 99, ", , ,", "\x00"]
)
def test_malformed_signature_is_refused(webhook_sender, bounce, header):
    headers = webhook_sender.sign(b"", str(int(time.time())))
    headers |= {name: header for name in headers if name.lower().endswith("signature")}
    assert webhook_sender.post_raw(json.dumps(bounce).encode(), headers).status_code == 401


def test_signature_of_another_body_is_refused(webhook_sender, bounce):
    assert webhook_sender.post(bounce, signed=b"another body").status_code == 401


def test_reserialized_body_is_refused(webhook_sender, bounce):
    assert (
        webhook_sender.post(json.dumps(bounce, indent=1).encode(), signed=json.dumps(bounce).encode()).status_code
        == 401
    )


def test_truncated_body_is_refused(webhook_sender, bounce):
    body = json.dumps(bounce).encode()
    assert webhook_sender.post(body[:-3], signed=body).status_code == 401


@pytest.mark.parametrize("timestamp", ["", "soon", "١٧٩٣٨٨٠٠٠٠", "1e9", "-1", "9" * 400, "0", " 1793880000"])
def test_malformed_timestamp_is_refused(webhook_sender, bounce, timestamp):
    signed = webhook_sender.sign(json.dumps(bounce).encode(), str(int(time.time())))
    signed |= {name: timestamp for name in signed if name.lower().endswith("timestamp")}
    assert webhook_sender.post_raw(json.dumps(bounce).encode(), signed).status_code == 401


def test_stale_event_is_refused(webhook_sender, bounce):
    age = STALE_AGE[webhook_sender.provider]
    assert webhook_sender.post(bounce, timestamp=str(int(time.time()) - age)).status_code == 401


def test_event_from_the_future_is_refused(webhook_sender, bounce):
    assert webhook_sender.post(bounce, timestamp=str(int(time.time()) + 1000)).status_code == 401


@pytest.mark.parametrize("body", INVALID_BODIES)
def test_signed_body_with_invalid_json_is_refused(webhook_sender, nothing_changes, body):
    assert webhook_sender.post(body).status_code == 400


def test_signed_body_of_wrong_shape_is_refused(webhook_sender, nothing_changes):
    payload = {"event": "delivered"} if webhook_sender.provider == "sendgrid" else [{"type": "email.delivered"}]
    assert webhook_sender.post(payload).status_code == 400


def test_too_large_body_is_refused(webhook_sender, nothing_changes):
    body = json.dumps(webhook_sender.event(DELIVERED[webhook_sender.provider])).encode()
    assert webhook_sender.post(body + b" " * MAX_BODY_BYTES).status_code == 413


@pytest.mark.parametrize(("padding", "status"), [(0, 200), (MAX_BODY_BYTES, 413)])
def test_chunked_body_without_length_is_read(webhook_sender, db, padding, status):
    """A chunked body as gunicorn passes it on: the server ends the stream, but the length is unknown."""
    body = json.dumps(webhook_sender.event(DELIVERED[webhook_sender.provider], message="m1")).encode() + b" " * padding
    chunks = {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    headers = webhook_sender.sign(body, str(int(time.time())))
    path = f"/emails/webhooks/{webhook_sender.provider}/"
    response = webhook_sender.client.post(path, content_type="application/json", headers=headers, **chunks)
    assert response.status_code == status


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_other_method_is_refused(webhook_sender, nothing_changes, method):
    response = getattr(webhook_sender.client, method)(f"/emails/webhooks/{webhook_sender.provider}/")
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_missing_secret_responds_503_and_logs_the_variable(webhook_sender, bounce, settings, caplog):
    variable = RECEIVERS[webhook_sender.provider].variable
    setattr(settings, variable, [])
    assert webhook_sender.post(bounce).status_code == 503
    assert variable in caplog.text


def test_every_forgery_gets_the_same_response(webhook_sender, bounce):
    body = json.dumps(bounce).encode()
    responses = {
        webhook_sender.post_raw(body, {}).content,
        webhook_sender.post(bounce, signed=b"another").content,
        webhook_sender.post(bounce, timestamp="0").content,
    }
    assert len(responses) == 1


@pytest.mark.parametrize("slash", ["", "/"])
def test_slash_is_optional_and_no_login_is_required(webhook_sender, db, settings, slash):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    body = json.dumps(webhook_sender.event(DELIVERED[webhook_sender.provider], message="m1")).encode()
    headers = webhook_sender.sign(body, str(int(time.time())))
    assert webhook_sender.post_raw(body, headers, f"/emails/webhooks/{webhook_sender.provider}{slash}").json() == {
        "received": 1,
        "new": 1,
    }


def test_unknown_provider_is_404(client):
    assert client.post("/emails/webhooks/mailgun/").status_code == 404


def test_old_secret_stays_valid_beside_a_new_one(webhook_sender_for, settings):
    settings.SEQUENZY_WEBHOOK_SECRETS = ["whsec_new", *settings.SEQUENZY_WEBHOOK_SECRETS]
    settings.RESEND_WEBHOOK_SECRETS = ["whsec_bmV3", *settings.RESEND_WEBHOOK_SECRETS]
    for provider in ("sequenzy", "resend"):
        assert webhook_sender_for(provider).send_event("email.delivered", message="m1").status_code == 200


def test_unknown_event_type_is_stored_and_acknowledged(webhook_sender, db):
    assert webhook_sender.send_event("email.teleported", message="m1").json() == {"received": 1, "new": 1}
    assert DeliveryEvent.objects.get().type == "other"


def test_invalid_event_does_not_spoil_the_others(webhook_sender_for, db):
    webhook_sender = webhook_sender_for("sendgrid")
    good = [webhook_sender.event("delivered", message=f"m{number}")[0] for number in range(3)]
    bad: list[object] = [
        None,
        17,
        "text",
        [],
        {},
        {"event": 5},
        {"event": "bounce", "timestamp": "x", "email": ["no"], "sg_message_id": {}},
    ]
    response = webhook_sender.post([good[0], *bad, *good[1:]])
    assert response.json() == {"received": 10, "new": 10}
    assert DeliveryEvent.objects.filter(type="delivered").count() == 3


@pytest.mark.parametrize("hostile_value", HOSTILE_VALUES)
def test_hostile_value_is_never_a_server_error(webhook_sender, db, hostile_value):
    payload = webhook_sender.event(DELIVERED[webhook_sender.provider], message="m1")
    event = payload[0] if isinstance(payload, list) else payload
    for holder in [event, *(value for value in event.values() if isinstance(value, dict))]:
        for name in [*holder, "reason", "bounce", "tags", "failure", "custom"]:
            changed = json.loads(json.dumps(payload))
            target = changed[0] if isinstance(changed, list) else changed
            (target if holder is event else target["data"])[name] = hostile_value
            body = json.dumps(changed).replace("Infinity", "1e400").encode()
            assert webhook_sender.post(body).status_code in (200, 400), name


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.binary(max_size=300),
    headers=st.dictionaries(st.sampled_from(["id", "timestamp", "signature"]), st.text(max_size=40)),
)
def test_random_request_is_refused(webhook_sender, nothing_changes, body, headers):
    names = {name.rpartition("-")[2].lower(): name for name in webhook_sender.sign(b"", "0")}
    given_headers = {names[name]: value for name, value in headers.items() if name in names}
    assert webhook_sender.post_raw(body, given_headers).status_code == 401


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.dictionaries(
        st.sampled_from(
            [
                "type",
                "event",
                "created_at",
                "timestamp",
                "email",
                "data",
                "reason",
                "sg_message_id",
                "app_message_id",
                "status",
            ]
        ),
        json_values,
    )
)
def test_signed_event_with_random_values_is_stored_or_refused(webhook_sender, db, changes):
    payload = webhook_sender.event(DELIVERED[webhook_sender.provider], message="m1")
    (payload[0] if isinstance(payload, list) else payload).update(changes)
    assert webhook_sender.post(payload).status_code in (200, 400)


@needs_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_event_delivered_in_parallel_counts_once(webhook_sender_for, provider):
    webhook_sender = webhook_sender_for(provider)
    payloads = [
        webhook_sender.event(DELIVERED[provider], message=f"m{number}", at=1.7e9 + number) for number in range(4)
    ]
    responses: list[int] = []

    def post_all() -> None:
        responses.extend(WEBHOOK_SENDERS[provider]().post(payload).status_code for payload in payloads)
        connection.close()

    threads = [threading.Thread(target=post_all) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(responses) == {200}
    assert DeliveryEvent.objects.count() == 4


def test_repeat_with_another_event_id_is_recognized(webhook_sender_for, db):
    """SendGrid's sg_event_id, Resend's svix-id, and Sequenzy's id may change while the content stays the same."""
    sequenzy, resend, sendgrid = (webhook_sender_for(provider) for provider in PROVIDERS)
    event = sendgrid.event("delivered", message="m1", at=1.7e9)
    assert sendgrid.post(event).json()["new"] == 1
    assert sendgrid.post([{**event[0], "sg_event_id": "another"}]).json()["new"] == 0
    body = json.dumps(resend.event("email.delivered", message="m1", at=1.7e9)).encode()
    new_counts = [resend.post_raw(body, sign_resend(body, str(int(time.time())))).json()["new"] for _ in range(2)]
    assert new_counts == [1, 0]
    event = sequenzy.event("email.delivered", message="m1", at=1.7e9)
    bodies = [json.dumps({**event, "id": name}).encode() for name in ("evt_a", "evt_b")]
    assert [sequenzy.post_raw(body, sign_sequenzy(body, str(int(time.time())))).json()["new"] for body in bodies] == [
        1,
        0,
    ]


def test_raw_payload_contains_no_key(webhook_sender, db):
    webhook_sender.send_event(
        BOUNCED[webhook_sender.provider], message="m1", reason="key re_0123456789abcdef was SG.0123456789.abcdef"
    )
    assert "0123456789" not in json.dumps([*DeliveryEvent.objects.values_list("raw", "detail")])


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_locked_database_makes_the_provider_retry(webhook_sender_for):
    webhook_sender = webhook_sender_for("resend")
    other = connection.copy()
    try:
        with transaction.atomic(), other.cursor() as blocking, connection.cursor() as cursor:
            blocking.execute("BEGIN; LOCK TABLE emails_deliveryevent")
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
            response = webhook_sender.send_event("email.delivered", message="m1")
            transaction.set_rollback(True)
    finally:
        other.close()
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert webhook_sender.send_event("email.delivered", message="m1").json()["new"] == 1
