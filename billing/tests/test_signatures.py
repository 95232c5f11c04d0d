"""Signatures of Stripe's webhook: only the secret's holder, only recently, and only for exactly these bytes.

The header is ``t=1793620803,v1=018ef1…``: the time of the signature in seconds since 1970, and a signature of that time
and the body. Stripe documents the scheme at https://docs.stripe.com/webhooks/signature. The first part of this file
tests ``verify()``, and the second part posts requests to the endpoint.
"""

import hashlib
import json
import time

import pytest
import stripe
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from billing.models import StripeEvent
from billing.tests.support.stripe_events import SECRET, payload
from billing.webhook.signatures import TOLERANCE, SignatureInvalid, digest, sign, verify

OTHER_SECRET = "whsec_rolledRolledRolledRolledRolled01"
AT = 1793620803  # the time of all signatures below
V1 = b'{"id":"evt_test_vector","object":"event","type":"invoice.paid","livemode":false}'
V2 = """{
  "id": "evt_test_utf8",
  "object": "event",
  "type": "invoice.paid",
  "data": {"object": {"id": "in_1", "object": "invoice", "customer_name": "Zoë Ünal ✓"}}
}""".encode()
DIGESTS = {
    (V1, SECRET): "018ef1ee03f54c682b585f313b39e3c3c1dd7c9a1e0620560872b82e1c577e08",
    (V1, OTHER_SECRET): "e44e90bfb7a8e3f21938dca1bbd530c13f5968e121dcd3c3393a52ebb010e0c9",
    (V2, SECRET): "eabe46d9a48e1e557ebae3ee16dcfb35952a05c46abac816580a3f96a6de712e",
    (V2, OTHER_SECRET): "d8e01e15c27d15bf58d2f40064779e8a7832577f2eb179501e5f1a9a683adc06",
}
A, B = DIGESTS[V1, SECRET], DIGESTS[V1, OTHER_SECRET]  # V1, signed with each secret


def accepts(header: str, body: bytes = V1, secrets: tuple[str, ...] = (SECRET,), now: float = AT) -> bool:
    try:
        verify(header, body, secrets, now=now)
    except SignatureInvalid:
        return False
    return True


def test_vector_bodies_have_the_expected_hash():
    assert hashlib.sha256(V1).hexdigest() == "7fc618435cecf0ff5bf144285d02b318621c8200b2c8a5e94d368e78b70402b2"
    assert hashlib.sha256(V2).hexdigest() == "dc2a9bff267213fdab2c9f06b4da64591b297b7f4b5a19097bc06b9b8fdd1c73"


@pytest.mark.parametrize(("post_signed", "expected"), DIGESTS.items())
def test_vectors_are_accepted(post_signed, expected):
    body, secret = post_signed
    assert digest(str(AT), body, secret).hex() == expected
    assert accepts(f"t={AT},v1={expected}", body, (secret,))


@pytest.mark.parametrize("secrets", [(SECRET,), (OTHER_SECRET,), (SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET)])
def test_either_secret_is_enough_during_rotation(secrets):
    assert accepts(f"t={AT},v1={A},v1={B},v0={'0' * 64}", secrets=secrets)


@pytest.mark.parametrize(
    ("header", "body"),
    [
        pytest.param(f"t={AT + 1},v1={A}", V1, id="another time"),
        # Stripe sends v0 signatures with test events. They prove nothing.
        pytest.param(f"t={AT},v0={A}", V1, id="another scheme"),
        pytest.param(f"t={AT},v1={A[:-1]}9", V1, id="another last digit"),
        pytest.param(f"t={AT},v1={A}", V1 + b"\n", id="line break after the body"),
        pytest.param(f"t={AT},v1={B}", V1, id="another secret"),
    ],
)
def test_altered_vectors_are_refused(header, body):
    assert not accepts(header, body)


@pytest.mark.parametrize("age", [0, 299, 300, -299, -300])
def test_timestamps_within_tolerance_are_accepted(age):
    assert accepts(f"t={AT},v1={A}", now=AT + age)


@pytest.mark.parametrize("age", [301, -301, 86_400, -86_400])
def test_timestamps_beyond_tolerance_are_refused(age):
    assert abs(age) > TOLERANCE.total_seconds()
    assert not accepts(f"t={AT},v1={A}", now=AT + age)


MALFORMED = {
    "empty": "",
    "name only": "t",
    "equals sign only": "=",
    "comma only": ",",
    "no time": f"v1={A}",
    "no signature": f"t={AT}",
    "empty time": f"t=,v1={A}",
    "word as time": f"t=now,v1={A}",
    "negative time": f"t=-{AT},v1={A}",
    "fraction": f"t={AT}.5,v1={A}",
    # With two times, the check could use one of them and the signature the other.
    "same time twice": f"t={AT},t={AT},v1={A}",
    "two times": f"t={AT},t=1,v1={A}",
    # Python's int() accepts leading zeros, underscores, digits of every script, and spaces. Stripe sends none of them.
    "leading zero": f"t=0{AT},v1={A}",
    "underscores": f"t=1_793_620_803,v1={A}",
    "Arabic digit": f"t=٣,v1={A}",
    "space before the time": f"t= {AT},v1={A}",
    "space after the comma": f"t={AT}, v1={A}",
    "upper-case signature": f"t={AT},v1={A.upper()}",
    "text after the signature": f"t={AT},v1={A}=x",
    # hmac.compare_digest() raises TypeError for text that isn't ASCII.
    "signature that isn't ASCII": f"t={AT},v1=é",
    "empty signature": f"t={AT},v1=",
    "short signature": f"t={AT},v1={A[:-1]}",
    "long signature": f"t={AT},v1={A}0",
    "upper-case names": f"T={AT},V1={A}",
    "semicolon": f"t={AT};v1={A}",
    "not ASCII": "é" * 1000,
    # This number is too large for a float.
    "endless time": f"t={'9' * 400},v1={A}",
}


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED)
def test_malformed_header_is_refused(header):
    assert not accepts(header)


@pytest.mark.parametrize("header", [f"t={AT},v1={A},", f"t={AT},v1={A},nonsense", f"v9=1,t={AT},v1={A}"])
def test_unknown_header_elements_are_ignored(header):
    assert accepts(header)


def test_empty_secret_raises_value_error():
    with pytest.raises(ValueError, match="empty secret"):
        verify(f"t={AT},v1={A}", V1, [""], now=AT)


def test_stripe_package_agrees():
    body = json.dumps(payload("invoice_paid_first"), ensure_ascii=False)
    header = sign(body.encode(), SECRET, at=time.time())
    assert stripe.WebhookSignature.verify_header(body, header, SECRET, 300)
    stripe_header = stripe.WebhookSignature.generate_signature_header(body, SECRET)
    assert accepts(stripe_header, body.encode(), now=time.time())


# Through the endpoint

client = Client(raise_request_exception=False)


def post_body(body: bytes, header: str) -> int:
    return client.post("/stripe/webhook", body, "application/json", headers={"Stripe-Signature": header}).status_code


def post_signed(body: bytes) -> int:
    return post_body(body, sign(body, SECRET, at=time.time()))


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED)
def test_malformed_header_responds_400(db, header):
    now = str(int(time.time()))
    assert post_body(V1, header.replace(str(AT), now).encode().decode("latin-1")) == 400


def test_missing_header_responds_400(db):
    assert client.post("/stripe/webhook", V1, "application/json").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"x"',
        b"1",
        b"{}",
        b'{"id":"evt_1"}',
        b'{"type":"invoice.paid"}',
        b'{"id":1,"type":"x"}',
        b'{"id":"evt_1","type":7}',
        b'{"id":" ","type":"x"}',
        b"[" * 100_000,
        b'{"id":"evt_\\u0000","type":"x"}',
        b'{"id":"evt_\\ud800","type":"x"}',
        b"9" * 5000,
        json.dumps({"id": "e" * 300, "type": "x"}).encode(),
    ],
)
def test_signed_body_without_event_responds_400(db, body):
    assert post_signed(body) == 400
    assert not StripeEvent.objects.exists()


def test_thin_event_is_refused_with_advice(db, caplog):
    """A thin event contains no object. It arrives if the endpoint's payload style isn't "Snapshot"."""
    assert post_signed(json.dumps(payload("thin_v1_invoice_paid")).encode()) == 400
    assert "Snapshot" in caplog.text


headers = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=200),
    st.builds(
        lambda time, version, mac: f"t={time},{version}={mac}",
        st.one_of(st.just(AT), st.integers(), st.text(max_size=12)),
        st.sampled_from(["v1", "v0", "V1", ""]),
        st.one_of(st.just(A), st.text("0123456789abcdef", min_size=64, max_size=64), st.text(max_size=80)),
    ).filter(lambda header: not any(ord(character) < 32 or ord(character) > 255 for character in header)),
)

bodies = st.one_of(st.just(V1), st.binary(max_size=300))


@hypothesis_settings(max_examples=1_000)
@given(header=headers, body=bodies)
def test_random_deliveries_respond_400_and_store_nothing(header, body):
    """The test has no database, so any query would respond 500 here."""
    assert post_body(body, header) == 400


@pytest.mark.exhaustive
@hypothesis_settings(max_examples=10_000)
@given(header=headers, body=bodies)
def test_ten_thousand_random_deliveries_respond_400(header, body):
    assert post_body(body, header) == 400
