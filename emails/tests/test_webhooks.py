"""At every receiver: what is forged, stale, malformed or too large is refused and changes nothing; nothing is a 500."""

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
from emails.tests.support.signed_events import POSTERS, STALE, sign_resend, sign_sequenzy
from emails.webhooks.views import MAX_BODY_BYTES, RECEIVERS

DELIVERED = {"sequenzy": "email.delivered", "resend": "email.delivered", "sendgrid": "delivered"}
BOUNCED = {"sequenzy": "email.bounced", "resend": "email.bounced", "sendgrid": "bounce"}

SIGNED_NONSENSE = [
    b"", b"null", b"true", b"17", b'"text"', b"not json", b"{", b'{"type": "email.delivered"', b"\xff\xfe\xfa", b"NaN",
    b'[{"event": "delivered", "timestamp": NaN}]', b"[" * 100_000, b'{"a":' * 50_000, b"9" * 10_000,
]  # fmt: skip


NASTY = [
    "a\x00b", "\ud800", 1e400, -1e400, 10**40, 2**63, -1, True, None, [], {}, "9" * 400, {"a": {"b": "\x00"}},
    "2023-10-06 23:47:56.678+00",
]  # fmt: skip

needs_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL")


@pytest.fixture
def nothing_changes(queue, deliver, outbox, webhooks):
    """A message that was sent, and after the test the proof that nothing came of what was posted."""
    outbox("sendgrid")
    (row,) = queue()
    deliver()
    yield row
    row.refresh_from_db()
    assert row.status == Status.SENT
    assert not DeliveryEvent.objects.exists()
    assert not Suppression.objects.exists()


@pytest.fixture(params=PROVIDERS)
def poster(request, webhooks):
    return webhooks(request.param)


@pytest.fixture
def bounce(poster, nothing_changes):
    """An event that would change something."""
    return poster.event(BOUNCED[poster.provider], message="m1", to="ada@example.com")


def test_without_a_signature(poster, bounce):
    assert poster.raw(json.dumps(bounce).encode(), {}).status_code == 401


@pytest.mark.parametrize(
    "header", ["", "v1=", "v1,", "é", "\udc80", "v1=" + "a" * 8000, "v1," + "=" * 99, ", , ,", "\x00"]
)
def test_with_a_signature_that_is_none(poster, bounce, header):
    headers = poster.sign(b"", str(int(time.time())))
    headers |= {name: header for name in headers if name.lower().endswith("signature")}
    assert poster.raw(json.dumps(bounce).encode(), headers).status_code == 401


def test_signed_for_another_body(poster, bounce):
    assert poster.post(bounce, signed=b"another body").status_code == 401


def test_re_serialised_on_the_way(poster, bounce):
    assert poster.post(json.dumps(bounce, indent=1).encode(), signed=json.dumps(bounce).encode()).status_code == 401


def test_truncated(poster, bounce):
    body = json.dumps(bounce).encode()
    assert poster.post(body[:-3], signed=body).status_code == 401


@pytest.mark.parametrize("timestamp", ["", "soon", "١٧٩٣٨٨٠٠٠٠", "1e9", "-1", "9" * 400, "0", " 1793880000"])
def test_at_a_time_that_is_none(poster, bounce, timestamp):
    signed = poster.sign(json.dumps(bounce).encode(), str(int(time.time())))
    signed |= {name: timestamp for name in signed if name.lower().endswith("timestamp")}
    assert poster.raw(json.dumps(bounce).encode(), signed).status_code == 401


def test_stale(poster, bounce):
    age = STALE[poster.provider]
    assert poster.post(bounce, timestamp=str(int(time.time()) - age)).status_code == 401


def test_from_the_future(poster, bounce):
    assert poster.post(bounce, timestamp=str(int(time.time()) + 302)).status_code == 401


@pytest.mark.parametrize("body", SIGNED_NONSENSE)
def test_genuine_and_no_json_of_that_kind(poster, nothing_changes, body):
    assert poster.post(body).status_code == 400


def test_genuine_and_of_the_wrong_shape(poster, nothing_changes):
    payload = {"event": "delivered"} if poster.provider == "sendgrid" else [{"type": "email.delivered"}]
    assert poster.post(payload).status_code == 400


def test_too_large(poster, nothing_changes):
    body = json.dumps(poster.event(DELIVERED[poster.provider])).encode()
    assert poster.post(body + b" " * MAX_BODY_BYTES).status_code == 413


@pytest.mark.parametrize(("padding", "status"), [(0, 200), (MAX_BODY_BYTES, 413)])
def test_in_chunks_without_a_length(poster, db, padding, status):
    """As gunicorn hands it over: the server knows where the body ends, and nobody how long it is."""
    body = json.dumps(poster.event(DELIVERED[poster.provider], message="m1")).encode() + b" " * padding
    chunks = {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    headers = poster.sign(body, str(int(time.time())))
    path = f"/emails/webhooks/{poster.provider}/"
    answer = poster.client.post(path, content_type="application/json", headers=headers, **chunks)
    assert answer.status_code == status


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_by_another_method(poster, nothing_changes, method):
    answer = getattr(poster.client, method)(f"/emails/webhooks/{poster.provider}/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_without_a_secret_it_is_shut_and_the_log_says_which_to_set(poster, bounce, settings, caplog):
    variable = RECEIVERS[poster.provider].variable
    setattr(settings, variable, [])
    assert poster.post(bounce).status_code == 503
    assert variable in caplog.text


def test_every_forgery_gets_the_same_answer(poster, bounce):
    body = json.dumps(bounce).encode()
    answers = {
        poster.raw(body, {}).content,
        poster.post(bounce, signed=b"another").content,
        poster.post(bounce, timestamp="0").content,
    }
    assert len(answers) == 1


@pytest.mark.parametrize("slash", ["", "/"])
def test_with_and_without_the_slash_and_for_nobody_who_is_logged_in(poster, db, settings, slash):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    body = json.dumps(poster.event(DELIVERED[poster.provider], message="m1")).encode()
    headers = poster.sign(body, str(int(time.time())))
    assert poster.raw(body, headers, f"/emails/webhooks/{poster.provider}{slash}").json() == {"received": 1, "new": 1}


def test_an_unknown_provider_is_404(client):
    assert client.post("/emails/webhooks/mailgun/").status_code == 404


def test_a_new_secret_beside_the_old_one(webhooks, settings):
    settings.SEQUENZY_WEBHOOK_SECRETS = ["whsec_new", *settings.SEQUENZY_WEBHOOK_SECRETS]
    settings.RESEND_WEBHOOK_SECRETS = ["whsec_bmV3", *settings.RESEND_WEBHOOK_SECRETS]
    for provider in ("sequenzy", "resend"):
        assert webhooks(provider).tell("email.delivered", message="m1").status_code == 200


def test_an_unknown_type_is_kept_and_acknowledged(poster, db):
    assert poster.tell("email.teleported", message="m1").json() == {"received": 1, "new": 1}
    assert DeliveryEvent.objects.get().type == "other"


def test_a_bad_event_spoils_no_other(webhooks, db):
    poster = webhooks("sendgrid")
    good = [poster.event("delivered", message=f"m{number}")[0] for number in range(3)]
    bad: list[object] = [
        None,
        17,
        "text",
        [],
        {},
        {"event": 5},
        {"event": "bounce", "timestamp": "x", "email": ["no"], "sg_message_id": {}},
    ]
    answer = poster.post([good[0], *bad, *good[1:]])
    assert answer.json() == {"received": 10, "new": 10}
    assert DeliveryEvent.objects.filter(type="delivered").count() == 3


@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_values_anywhere_are_no_500(poster, db, nasty):
    payload = poster.event(DELIVERED[poster.provider], message="m1")
    event = payload[0] if isinstance(payload, list) else payload
    for holder in [event, *(value for value in event.values() if isinstance(value, dict))]:
        for name in [*holder, "reason", "bounce", "tags", "failure", "custom"]:
            changed = json.loads(json.dumps(payload))
            target = changed[0] if isinstance(changed, list) else changed
            (target if holder is event else target["data"])[name] = nasty
            body = json.dumps(changed).replace("Infinity", "1e400").encode()
            assert poster.post(body).status_code in (200, 400), name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300),
    headers=st.dictionaries(st.sampled_from(["id", "timestamp", "signature"]), st.text(max_size=40)),
)
def test_random_requests_are_refused(poster, nothing_changes, body, headers):
    names = {name.rpartition("-")[2].lower(): name for name in poster.sign(b"", "0")}
    given_headers = {names[name]: value for name, value in headers.items() if name in names}
    assert poster.raw(body, given_headers).status_code == 401


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from(
    ["type", "event", "created_at", "timestamp", "email", "data", "reason", "sg_message_id", "app_message_id", "status"]
), json_values))  # fmt: skip
def test_signed_events_with_random_values_are_stored_or_refused(poster, db, changes):
    payload = poster.event(DELIVERED[poster.provider], message="m1")
    (payload[0] if isinstance(payload, list) else payload).update(changes)
    assert poster.post(payload).status_code in (200, 400)


@needs_postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_event_counts_once_however_many_bring_it_at_once(webhooks, provider):
    poster = webhooks(provider)
    payloads = [poster.event(DELIVERED[provider], message=f"m{number}", at=1.7e9 + number) for number in range(4)]
    answers: list[int] = []

    def bring() -> None:
        answers.extend(POSTERS[provider]().post(payload).status_code for payload in payloads)
        connection.close()

    threads = [threading.Thread(target=bring) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {200}
    assert DeliveryEvent.objects.count() == 4


def test_a_repeat_under_another_event_id_is_the_same_event(webhooks, db):
    """SendGrid's sg_event_id, Resend's svix-id and Sequenzy's id may change; what the event says does not."""
    sequenzy, resend, sendgrid = (webhooks(provider) for provider in PROVIDERS)
    told = sendgrid.event("delivered", message="m1", at=1.7e9)
    assert sendgrid.post(told).json()["new"] == 1
    assert sendgrid.post([{**told[0], "sg_event_id": "another"}]).json()["new"] == 0
    body = json.dumps(resend.event("email.delivered", message="m1", at=1.7e9)).encode()
    news = [resend.raw(body, sign_resend(body, str(int(time.time())))).json()["new"] for _ in range(2)]
    assert news == [1, 0]
    event = sequenzy.event("email.delivered", message="m1", at=1.7e9)
    bodies = [json.dumps({**event, "id": name}).encode() for name in ("evt_a", "evt_b")]
    assert [sequenzy.raw(body, sign_sequenzy(body, str(int(time.time())))).json()["new"] for body in bodies] == [1, 0]


def test_raw_forms_hold_no_key(poster, db):
    poster.tell(BOUNCED[poster.provider], message="m1", reason="key re_0123456789abcdef was SG.0123456789.abcdef")
    assert "0123456789" not in json.dumps([*DeliveryEvent.objects.values_list("raw", "detail")])


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_while_the_database_does_not_answer_the_provider_is_asked_to_come_again(webhooks):
    poster = webhooks("resend")
    other = connection.copy()
    try:
        with transaction.atomic(), other.cursor() as blocking, connection.cursor() as cursor:
            blocking.execute("BEGIN; LOCK TABLE emails_deliveryevent")
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
            answer = poster.tell("email.delivered", message="m1")
            transaction.set_rollback(True)
    finally:
        other.close()
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert poster.tell("email.delivered", message="m1").json()["new"] == 1
