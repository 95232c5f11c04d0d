"""What an answer means: sent or not, and who can mend it."""

import pickle
import time
from datetime import timedelta
from email.utils import formatdate

import pytest

from common.http.retry_after import MAX_WAIT
from common.redaction import redact
from emails.errors import CallOutcome, ProviderError, Remedy
from emails.tests.support.messages import KEY, backend, mail
from emails.tests.support.provider_rules import Reply

SENT_NOT_AGAIN = (CallOutcome.NOT_SENT, Remedy.GIVE_UP)
SENT_NOT_RETRY = (CallOutcome.NOT_SENT, Remedy.RETRY)
SENT_NOT_FIX = (CallOutcome.NOT_SENT, Remedy.FIX)
SENT_NOT_QUOTA = (CallOutcome.NOT_SENT, Remedy.QUOTA)
UNKNOWN_RETRY = (CallOutcome.UNKNOWN, Remedy.RETRY)
UNKNOWN_FOR_GOOD = (CallOutcome.UNKNOWN, Remedy.GIVE_UP)

PROVIDERS = ["sequenzy", "resend", "sendgrid"]
HTML = b"<html><head><title>Oops</title><style>p{}</style></head><body><p>It broke</p></body></html>"


def error_after(fault, provider, api):
    api.faults = [fault]
    with pytest.raises(ProviderError) as caught:
        backend(provider, api).send_messages([mail()])
    return caught.value


def verdict(error):
    return (error.outcome, error.remedy)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("statuses", "expected", "pauses"),
    [
        ([400, 404, 405, 413, 415, 422, 451, 301, 302, 307], SENT_NOT_AGAIN, False),
        ([503], SENT_NOT_RETRY, False),
        ([429], SENT_NOT_RETRY, True),
        ([401, 402], SENT_NOT_FIX, True),
        ([500, 501, 502, 504, 520, 408], UNKNOWN_RETRY, False),
    ],
)
def test_statuses_mean_the_same_at_every_provider(api, provider, statuses, expected, pauses):
    for status in statuses:
        for fault in (str(status), f"{status}-html"):
            error = error_after(fault, provider, api)
            assert (*verdict(error), error.status, error.pauses_provider) == (*expected, status, pauses)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["cut-before", "cut-after", "rubbish-before"])
def test_no_documented_answer_is_an_unknown_outcome(api, provider, fault):
    assert verdict(error_after(fault, provider, api)) == UNKNOWN_RETRY


@pytest.mark.parametrize("provider", ["sequenzy", "resend"])
@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b""),
        Reply(200, b"null"),
        Reply(200, b"[]"),
        Reply(200, {}),
        Reply(200, b'{"id": "x", "emailSendId": "x"}', {"Content-Type": "text/html"}),
        Reply(200, b"[" * 100_000),
        Reply(200, b"\xff\xfe"),
        Reply(200, b"x" * 2_000_000),
        Reply(204),
    ],
)
def test_rubbish_is_an_unknown_outcome(api, provider, answer):
    assert verdict(error_after(answer, provider, api)) == UNKNOWN_RETRY


@pytest.mark.parametrize("provider", ["sequenzy", "resend"])
def test_a_truncated_answer_is_an_unknown_outcome(api, provider):
    assert verdict(error_after("truncated", provider, api)) == UNKNOWN_RETRY


@pytest.mark.parametrize(
    ("answer", "message_id"),
    [
        (Reply(202, b"", {"X-Message-Id": "abc"}), "abc"),
        (Reply(202, b""), ""),
        (Reply(202, b"]rubbish[", {"X-Message-Id": "abc"}), "abc"),
        (Reply(202, {"errors": [{"message": "odd"}]}), ""),
        (Reply(200, b""), ""),
    ],
)
def test_sendgrid_accepts_by_its_status(api, answer, message_id):
    message = mail()
    api.faults = [answer]
    assert backend("sendgrid", api).send_messages([message]) == 1
    assert message.provider_message_id == message_id


def test_a_sandbox_with_a_body_is_none(api):
    assert verdict(error_after(Reply(200, b"x"), "sendgrid", api)) == UNKNOWN_RETRY


@pytest.mark.parametrize(
    ("provider", "answer", "expected", "pauses"),
    [
        ("sequenzy", Reply(200, {"success": False, "error": "no"}), SENT_NOT_AGAIN, False),
        ("sequenzy", Reply(200, {"success": True, "error": {"code": "X", "message": "no"}}), SENT_NOT_AGAIN, False),
        ("sequenzy", Reply(403, {"error": "API key is missing required scope(s): x"}), SENT_NOT_FIX, True),
        ("sequenzy", Reply(409, {"error": "Idempotency-Key reused with different content"}), UNKNOWN_FOR_GOOD, False),
        ("sequenzy", Reply(409, {"error": "A request with this key is running"}), UNKNOWN_RETRY, False),
        ("sequenzy", Reply(409, HTML), UNKNOWN_RETRY, False),
        ("sequenzy", Reply(429, {"error": {"code": "RATE_LIMITED", "message": "Slow down"}}), SENT_NOT_RETRY, True),
        ("sequenzy", Reply(429, {"error": "Monthly limit reached"}), SENT_NOT_QUOTA, True),
        ("resend", Reply(409, {"name": "invalid_idempotent_request", "message": "x"}), UNKNOWN_FOR_GOOD, False),
        ("resend", Reply(409, {"name": "concurrent_idempotent_requests", "message": "x"}), UNKNOWN_RETRY, False),
        ("resend", Reply(409, {"name": "resource_locked", "message": "x"}), UNKNOWN_RETRY, False),
        ("resend", Reply(429, {"name": "daily_quota_exceeded", "message": "x"}), SENT_NOT_QUOTA, True),
        ("resend", Reply(429, {"name": "monthly_quota_exceeded", "message": "x"}), SENT_NOT_QUOTA, True),
        ("resend", Reply(403, b"error code: 1010", {"Content-Type": "text/plain"}), SENT_NOT_FIX, True),
        ("resend", Reply(403, {"name": "validation_error", "message": "Domain not verified"}), SENT_NOT_FIX, False),
        ("resend", Reply(403, {"name": "suspended_api_key", "message": "x"}), SENT_NOT_FIX, True),
        ("resend", Reply(400, {"name": "validation_error", "message": "API key is invalid"}), SENT_NOT_FIX, True),
        ("sendgrid", Reply(401, {"errors": [{"message": "Maximum credits exceeded"}]}), SENT_NOT_QUOTA, True),
        ("sendgrid", Reply(403, {"errors": [{"message": "access forbidden"}]}), SENT_NOT_FIX, True),
        ("sendgrid", Reply(403, {"errors": [{"message": "no verified sender", "field": "from"}]}), SENT_NOT_FIX, False),
    ],
)
def test_a_providers_own_words(api, provider, answer, expected, pauses):
    error = error_after(answer, provider, api)
    assert (*verdict(error), error.pauses_provider) == (*expected, pauses)


@pytest.mark.parametrize(
    ("provider", "headers", "seconds"),
    [
        ("sequenzy", {"Retry-After": "7"}, 7),
        ("resend", {"retry-after": "2", "ratelimit-reset": "9"}, 2),
        ("resend", {"ratelimit-reset": "9"}, 9),
        ("resend", {"x-ratelimit-reset": "1.5"}, 1.5),
        ("sendgrid", {"Retry-After": "3"}, 3),
        ("sequenzy", {"Retry-After": "-5"}, 0),
        ("sequenzy", {"Retry-After": "1e400"}, None),
        ("sequenzy", {"Retry-After": "soon"}, None),
        ("sequenzy", {"Retry-After": "Mon, 01 Jan 99999999999 00:00:00 GMT"}, None),
        ("sequenzy", {"Retry-After": "99999999999"}, MAX_WAIT.total_seconds()),
        ("sequenzy", {}, None),
    ],
)
def test_when_to_ask_again(api, provider, headers, seconds):
    error = error_after(Reply(429, {}, headers), provider, api)
    assert error.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_when_to_ask_again_as_a_moment(api):
    resets = {"X-RateLimit-Reset": str(int(time.time()) + 30), "Retry-After": "3"}
    by_epoch = error_after(Reply(429, {}, resets), "sendgrid", api).retry_after
    by_date = error_after(Reply(503, {}, {"Retry-After": formatdate(time.time() + 30, usegmt=True)}), "resend", api)
    assert timedelta(seconds=25) < by_epoch <= timedelta(seconds=30)
    assert timedelta(seconds=25) < by_date.retry_after <= timedelta(seconds=30)
    assert by_date.pauses_provider


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            Reply(422, {"errors": [{"message": "bad", "field": "from"}, {"message": "b", "field": "null"}, "x"]}),
            "bad (from); b; x",
        ),
        (Reply(422, {"error": "short", "description": "long", "resolution": "do it"}), "short. long. do it"),
        (Reply(422, {"error": {"code": "C", "message": "m"}}), "m"),
        (Reply(422, HTML, {"Content-Type": "text/html"}), "Oops It broke"),
        (Reply(422, {"detail": "in words of its own"}), '{"detail": "in words of its own"}'),
        (Reply(422, b""), "no explanation"),
    ],
)
def test_what_the_provider_said_can_be_read(api, answer, text):
    error = error_after(answer, "sequenzy", api)
    assert error.detail == text
    assert str(error).endswith(f": {text}")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_error_holds_neither_key_nor_content(api, provider):
    secret = "https://app.example.com/reset-password?token=abcdefghijklmnopqrstuvwxyz"
    api.faults = [Reply(500, {"message": f"echo: Bearer {KEY} and {KEY} and {secret} {'x' * 5000}\x00\ud800"})]
    with pytest.raises(ProviderError) as caught:
        backend(provider, api).send_messages([mail(body=secret, html=f"<a href='{secret}'>x</a>")])
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    for text in (repr(vars(error)), str(error), repr(error.args), pickle.dumps(error).decode("latin-1")):
        assert KEY not in text
    assert len(error.detail.encode()) <= 2048
    assert "\x00" not in error.detail


def test_an_error_survives_a_pickle(api):
    error = error_after("429;retry-after=2", "resend", api)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is ProviderError
    assert (vars(copy), str(copy), copy.args) == (vars(error), str(error), error.args)


@pytest.mark.parametrize(
    "text", ["Bearer abc.def", "authorization: BASIC dXNlcg==", "SG.abcdefgh.ijkl", "re_12345678", "seq_user_12345678"]
)
def test_what_looks_like_a_key_is_removed(text):
    assert "[removed]" in redact(f"failed with {text}!")
