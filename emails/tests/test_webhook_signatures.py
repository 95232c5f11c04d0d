"""Signature checks of the three webhook receivers, against fixed vectors and against independent implementations.

A vector is a body in base64, a secret, and the signature that belongs to both. The bodies contain é, a trailing line
break, or other bytes that a change in encoding or whitespace would alter. ``sequenzy()``, ``resend()``, and
``sendgrid()`` return whether the receiver accepts a signature at a given age.
"""

import base64
import binascii
import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st
from svix.webhooks import Webhook, WebhookVerificationError

from emails.tests.support.signed_events import (
    RESEND_SECRET,
    SENDGRID_PUBLIC_KEY,
    SEQUENZY_SECRET,
    sign_resend,
    sign_sendgrid,
)
from emails.webhooks.views import RECEIVERS

NOON = 1793880000  # 2026-11-05T12:00:00Z

SEQUENZY_BODY = base64.b64decode(
    "eyJpZCI6ImV2dF9zaGVldF8xIiwidHlwZSI6ImVtYWlsLmJvdW5jZWQiLCJvYmplY3QiOiJldmVudCIsIm1ldHJpYyI6ImJvdW5jZWQiLCJjcmVh"
    "dGVkX2F0IjoiMjAyNi0xMS0wNVQxMjowMDowMC4wMDBaIiwiZGF0YSI6eyJlbWFpbF9zZW5kX2lkIjoic2VuZF9zaGVldF8xIiwibWVzc2FnZV9p"
    "ZCI6InVwc3RyZWFtLTEiLCJleHRlcm5hbF9pZCI6InVzZXJfNDIiLCJyZWNpcGllbnQiOiJqb3NlQGV4YW1wbGUuY29tIiwic3ViamVjdCI6IlLD"
    "qWluaXRpYWxpc2F0aW9uIiwiZW1haWxfdHlwZSI6InRyYW5zYWN0aW9uYWwiLCJtZXRhZGF0YSI6eyJzb3VyY2UiOiJhcGkifX19"
)
SEQUENZY_SECRETS = ["whsec_sheetTestSecret0123456789abcdef", "whsec_sheetRotatedSecret9876543210fed"]
# Signatures of SEQUENZY_BODY at NOON. HEX and BASE64 are of the first secret, and ROTATED is of the second.
HEX = "v1=6585bd655a2fc124444c86ce5641a0a51a213286926b25683fe53279129f5255"
ROTATED = "v1=867a245b1467b81902d99a4952a6373d4eb7ea42af0a12ee190fae830acc94f7"
BASE64 = "v1=ZYW9ZVovwSRETIbOVkGgpRohMoaSayVoP+UyeRKfUlU="
# Signed with the first secret without "whsec_". The prefix is part of Sequenzy's key.
WITHOUT_PREFIX = "v1=1f21fcc24f5fecf53f666e7410daa5bfdfb1f233dbca6eed2f19196bb965d195"

RESEND_BODY = base64.b64decode(
    "eyJ0eXBlIjoiZW1haWwuYm91bmNlZCIsImNyZWF0ZWRfYXQiOiIyMDI2LTExLTA1VDEyOjAwOjAwLjAwMFoiLCJkYXRhIjp7ImVtYWlsX2lkIjoi"
    "NGVmOWE0MTctMDJlOS00ZDM5LWFkNzUtOTYxMWUwZmNjMzNjIiwiY3JlYXRlZF9hdCI6IjIwMjYtMTEtMDVUMTE6NTk6NTguMDAwWiIsImZyb20i"
    "OiJBY21lIDxuby1yZXBseUBleGFtcGxlLmNvbT4iLCJ0byI6WyJqb3NlQGV4YW1wbGUuY29tIl0sInN1YmplY3QiOiJSw6lpbml0aWFsaXNhdGlv"
    "biIsInRhZ3MiOnsibXNnIjoiNDIifSwiYm91bmNlIjp7InR5cGUiOiJQZXJtYW5lbnQiLCJzdWJUeXBlIjoiR2VuZXJhbCIsIm1lc3NhZ2UiOiJo"
    "YXJkIGJvdW5jZSIsImRpYWdub3N0aWNDb2RlIjpbInNtdHA7IDU1MCA1LjEuMSB1c2VyIHVua25vd24iXX19fQ=="
)
RESEND_SECRETS = ["whsec_EBESExQVFhcYGRobHB0eHyAhIiMkJSYn", "whsec_QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZX"]
RESEND_ID = "msg_2sheetTestVector000000000"
# Signatures of RESEND_BODY at NOON with the first and the second secret.
FIRST = "v1,6W7n4rWu9131Cyonp9HmHXUtSf5YW8QZDMW4mfKrRlM="
SECOND = "v1,Su7yUzXWlIdkCyAUB16G8uBRjpltXCozliKMNoymSyo="

SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9j4gpFj0F0NDEtWMxIRBL4WvnBIjnC5jF5OaUuJE4Pqa6EV9uTTWZa1jYBJTdzUr0s4uVW5RzTqo"
    "c8dpjqIlwQ=="
)
SENDGRID_BODY = base64.b64decode(
    "W3siZW1haWwiOiJqb3NlQGV4YW1wbGUuY29tIiwiZXZlbnQiOiJib3VuY2UiLCJ0eXBlIjoiYm91bmNlIiwic3RhdHVzIjoiNS4xLjEiLCJyZWFz"
    "b24iOiI1NTAgNS4xLjEgdXN1w6FyaW8gZGVzY29uaGVjaWRvIiwiYm91bmNlX2NsYXNzaWZpY2F0aW9uIjoiSW52YWxpZCBBZGRyZXNzIiwic2df"
    "ZXZlbnRfaWQiOiJjMmhsWlhRdFpYWmxiblF0TVEiLCJzZ19tZXNzYWdlX2lkIjoic2hlZXRYTWVzc2FnZUlkMDEucmVjdmQtNWY1NGI1ZDU4Ny1h"
    "YmNkZS0xLTY3QkFERUVBLTYuMCIsInNtdHAtaWQiOiI8c2hlZXRYTWVzc2FnZUlkMDFAZ2VvcG9kLWlzbXRwZC0xPiIsInRpbWVzdGFtcCI6MTc5"
    "Mzg4MDAwMCwidGxzIjoxLCJtZXNzYWdlX3V1aWQiOiI3ZjBjMWY5ZS0zZDBmLTRhNTUtOWQwZS0wYzZjNWQ3YTAwMDEifV0NCg=="
)
SENDGRID_SIGNATURE = "MEYCIQCaqibA3Gf/vfgzIS9RPXlNNqs803MEWNvdhackUzM5xgIhANp3veUvnHL6VPY4qLbfSIRez0cFcVvuTbSacW1K32/f"


# Each of these three functions returns whether the receiver accepts the request ``age`` seconds after the signature.


def sequenzy(signature: str, body: bytes = SEQUENZY_BODY, *, age: float = 0) -> bool:
    headers = {"X-Sequenzy-Timestamp": str(NOON), "X-Sequenzy-Signature": signature}
    return RECEIVERS["sequenzy"].is_genuine(headers, body, NOON + age)


def resend(signature: str, body: bytes = RESEND_BODY, prefix: str = "svix", *, age: float = 0) -> bool:
    headers = {f"{prefix}-id": RESEND_ID, f"{prefix}-timestamp": str(NOON), f"{prefix}-signature": signature}
    return RECEIVERS["resend"].is_genuine(headers, body, NOON + age)


def sendgrid(
    body: bytes = SENDGRID_BODY, signature: str = SENDGRID_SIGNATURE, *, timestamp: int = NOON + 5, age: float = 0
) -> bool:
    prefix = "X-Twilio-Email-Event-Webhook-"
    headers = {prefix + "Timestamp": str(timestamp), prefix + "Signature": signature}
    return RECEIVERS["sendgrid"].is_genuine(headers, body, NOON + 5 + age)


@pytest.mark.parametrize(
    ("signature", "secrets", "genuine"),
    [
        pytest.param(HEX, SEQUENZY_SECRETS[:1], True, id="hex"),
        pytest.param(BASE64, SEQUENZY_SECRETS[:1], True, id="base64"),
        # During a rotation, Sequenzy signs with the old and the new secret.
        pytest.param(f"{ROTATED},{HEX}", SEQUENZY_SECRETS[:1], True, id="comma"),
        pytest.param(f"{ROTATED}, {HEX}", SEQUENZY_SECRETS[1:], True, id="comma and space"),
        pytest.param(f"{ROTATED} {HEX}", SEQUENZY_SECRETS, True, id="space"),
        pytest.param(HEX, SEQUENZY_SECRETS[::-1], True, id="second of our secrets"),
        pytest.param(HEX, SEQUENZY_SECRETS[1:], False, id="another secret"),
        pytest.param(WITHOUT_PREFIX, SEQUENZY_SECRETS, False, id="key without whsec_"),
        pytest.param(HEX.replace("v1", "v2"), SEQUENZY_SECRETS, False, id="unknown version"),
        pytest.param(HEX.removeprefix("v1="), SEQUENZY_SECRETS, False, id="no version"),
        pytest.param("", SEQUENZY_SECRETS, False, id="empty"),
        pytest.param("v1=é", SEQUENZY_SECRETS, False, id="not ASCII"),
    ],
)
def test_sequenzy_signature_is_verified(settings, signature, secrets, genuine):
    settings.SEQUENZY_WEBHOOK_SECRETS = secrets
    assert sequenzy(signature) is genuine
    assert sequenzy(signature, SEQUENZY_BODY + b" ") is False


@pytest.mark.parametrize(("form", "genuine"), [("auto", True), ("text", True), ("base64", False)])
def test_sequenzy_key_form_can_be_pinned(settings, form, genuine):
    settings.SEQUENZY_WEBHOOK_SECRETS = SEQUENZY_SECRETS[:1]
    settings.SEQUENZY_WEBHOOK_KEY = form
    assert sequenzy(HEX) is genuine


@pytest.mark.parametrize(
    ("signature", "genuine"),
    [
        pytest.param(FIRST, True, id="one"),
        pytest.param(f"{SECOND} {FIRST}", True, id="two during a rotation"),
        # Svix uses v1a for signatures with a public key.
        pytest.param(f"v1a,AAAA {FIRST}", True, id="v1a ignored"),
        pytest.param(SECOND, False, id="another secret"),
        pytest.param(FIRST.replace("v1,", "v2,"), False, id="unknown version"),
        pytest.param(FIRST.removeprefix("v1,"), False, id="no version"),
        pytest.param("", False, id="empty"),
        pytest.param("v1,é", False, id="not ASCII"),
    ],
)
def test_resend_signature_is_verified(settings, signature, genuine):
    settings.RESEND_WEBHOOK_SECRETS = RESEND_SECRETS[:1]
    assert resend(signature) is genuine
    assert resend(signature, prefix="webhook") is genuine  # the header names of https://www.standardwebhooks.com
    assert resend(signature, RESEND_BODY + b" ") is False


@pytest.mark.parametrize("secrets", [RESEND_SECRETS, RESEND_SECRETS[1:]])
def test_second_resend_secret_is_accepted(settings, secrets):
    settings.RESEND_WEBHOOK_SECRETS = secrets
    assert resend(SECOND)


def test_svix_documentation_vector_is_accepted(settings):
    """Svix signs for Resend: https://docs.svix.com/receiving/verifying-payloads/how-manual"""
    settings.RESEND_WEBHOOK_SECRETS = ["whsec_plJ3nmyCDGBKInavdOK15jsl"]
    headers = {
        "svix-id": "msg_loFOjxBNrRLzqYUf",
        "svix-timestamp": "1731705121",
        "svix-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    }
    assert RECEIVERS["resend"].is_genuine(headers, b'{"event_type":"ping","data":{"success":true}}', 1731705121)


def test_sendgrid_signature_is_verified(settings):
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = [SENDGRID_PUBLIC_KEY, SENDGRID_KEY]
    assert sendgrid()
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = [SENDGRID_PUBLIC_KEY]
    assert not sendgrid()


@pytest.mark.parametrize(
    "alteration",
    [
        # SendGrid's bodies end with a line break, and its signature covers it.
        pytest.param({"body": SENDGRID_BODY.removesuffix(b"\r\n")}, id="body without its line break"),
        pytest.param({"body": b"." + SENDGRID_BODY}, id="longer body"),
        pytest.param({"body": json.dumps(json.loads(SENDGRID_BODY)).encode()}, id="reserialized body"),
        pytest.param({"timestamp": NOON + 6}, id="another timestamp"),
        pytest.param({"signature": "not base64"}, id="signature that isn't base64"),
        pytest.param({"signature": base64.b64encode(b"not DER").decode()}, id="signature that isn't DER"),
    ],
)
def test_altered_sendgrid_request_is_refused(settings, alteration):
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = [SENDGRID_KEY]
    assert sendgrid()
    assert not sendgrid(**alteration)


@pytest.mark.parametrize(
    ("age", "genuine"), [(0, True), (299, True), (300, True), (301, False), (-300, True), (-301, False)]
)
def test_timestamp_tolerance_is_five_minutes_both_ways(settings, age, genuine):
    settings.SEQUENZY_WEBHOOK_SECRETS = SEQUENZY_SECRETS
    settings.RESEND_WEBHOOK_SECRETS = RESEND_SECRETS
    assert sequenzy(HEX, age=age) is genuine
    assert resend(FIRST, age=age) is genuine


@pytest.mark.parametrize(("age", "genuine"), [(90_000, True), (90_001, False), (-300, True), (-301, False)])
def test_sendgrid_retry_may_be_a_day_old(settings, age, genuine):
    """SendGrid retries for a day and doesn't document whether a retry gets a new timestamp, so 25 hours are allowed."""
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = [SENDGRID_KEY]
    assert sendgrid(age=age) is genuine


def test_sequenzy_tolerance_is_configurable(settings):
    settings.SEQUENZY_WEBHOOK_SECRETS = SEQUENZY_SECRETS
    settings.SEQUENZY_WEBHOOK_TOLERANCE_SECONDS = 8 * 86400
    assert sequenzy(HEX, age=7 * 86400)


@given(
    content=st.dictionaries(st.text(), st.text()),
    spoiled=st.sampled_from(["body", "id", "timestamp", "signature", "nothing"]),
)
def test_svix_package_agrees_with_us(content, spoiled):
    body = json.dumps(content).encode()
    headers = sign_resend(body, str(int(time.time())))
    if spoiled in ("id", "timestamp", "signature"):
        headers[f"svix-{spoiled}"] = headers[f"svix-{spoiled}"][:-1]
    body += b" " if spoiled == "body" else b""
    with override_settings(RESEND_WEBHOOK_SECRETS=[RESEND_SECRET]):
        assert RECEIVERS["resend"].is_genuine(headers, body, time.time()) is is_genuine_to_svix(headers, body)


def is_genuine_to_svix(headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(RESEND_SECRET).verify(body, headers)
    except (WebhookVerificationError, binascii.Error):
        return False
    return True


@given(body=st.binary(max_size=200))
def test_sendgrid_accepts_a_fresh_key_pair(body):
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    headers, receiver = sign_sendgrid(body, str(NOON), key), RECEIVERS["sendgrid"]
    with override_settings(SENDGRID_WEBHOOK_PUBLIC_KEYS=[base64.b64encode(public).decode()]):
        assert receiver.is_genuine(headers, body, NOON)
        assert not receiver.is_genuine(headers, body + b"\n", NOON)


@pytest.mark.parametrize(
    ("provider", "secret", "is_right"),
    [
        ("sequenzy", SEQUENZY_SECRET, True),
        ("resend", RESEND_SECRET, True),
        ("resend", "whsec_not base64", False),
        ("resend", "cmVzZW5k", False),
        ("sendgrid", SENDGRID_PUBLIC_KEY, True),
        ("sendgrid", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", False),
        ("sendgrid", "é", False),
    ],
)
def test_malformed_secret_is_recognized(provider, secret, is_right):
    assert (RECEIVERS[provider].problem_with(secret) == "") is is_right
