"""What a provider's response means: whether the provider has sent the email, and what would fix the problem.

Each test scripts the next response of ``provider_api``, a local HTTP server that stands in for the provider, and then
looks at the ``ProviderError`` that the backend raises. Its ``outcome`` says whether the email was sent, and its
``remedy`` says whether to retry, to give up, or to wait for a person.
"""

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

NOT_SENT_GIVE_UP = (CallOutcome.NOT_SENT, Remedy.GIVE_UP)
NOT_SENT_RETRY = (CallOutcome.NOT_SENT, Remedy.RETRY)
NOT_SENT_FIX = (CallOutcome.NOT_SENT, Remedy.FIX)
NOT_SENT_QUOTA = (CallOutcome.NOT_SENT, Remedy.QUOTA)
UNKNOWN_RETRY = (CallOutcome.UNKNOWN, Remedy.RETRY)
UNKNOWN_GIVE_UP = (CallOutcome.UNKNOWN, Remedy.GIVE_UP)

PROVIDERS = ["sequenzy", "resend", "sendgrid"]
HTML = b"<html><head><title>Oops</title><style>p{}</style></head><body><p>It broke</p></body></html>"


def error_after(fault, provider, provider_api):
    """Return the error of a backend whose call gets ``fault`` as its response: a ``Reply`` or a script like "503"."""
    provider_api.faults = [fault]
    with pytest.raises(ProviderError) as caught:
        backend(provider, provider_api).send_messages([mail()])
    return caught.value


def outcome_and_remedy(error):
    return (error.outcome, error.remedy)


STATUSES = [
    *((status, NOT_SENT_GIVE_UP, False) for status in (400, 404, 405, 413, 415, 422, 451)),
    # The backend doesn't follow redirects, because a redirect can turn a POST into a GET.
    *((status, NOT_SENT_GIVE_UP, False) for status in (301, 302, 307)),
    (503, NOT_SENT_RETRY, False),
    (429, NOT_SENT_RETRY, True),
    *((status, NOT_SENT_FIX, True) for status in (401, 402)),
    # The provider may have accepted the email before its server failed or timed out.
    *((status, UNKNOWN_RETRY, False) for status in (500, 501, 502, 504, 520, 408)),
]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("status", "expected", "pauses"), STATUSES, ids=[str(status) for status, _, _ in STATUSES])
@pytest.mark.parametrize("body", ["json", "html"])  # a proxy in front of the API responds with HTML
def test_status_means_the_same_at_every_provider(provider_api, provider, status, expected, pauses, body):
    fault = f"{status}-html" if body == "html" else str(status)
    error = error_after(fault, provider, provider_api)
    assert outcome_and_remedy(error) == expected
    assert error.status == status
    assert error.pauses_provider is pauses


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["cut-before", "cut-after", "rubbish-before"])
def test_undocumented_response_is_an_unknown_outcome(provider_api, provider, fault):
    assert outcome_and_remedy(error_after(fault, provider, provider_api)) == UNKNOWN_RETRY


@pytest.mark.parametrize("provider", ["sequenzy", "resend"])
@pytest.mark.parametrize(
    "response",
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
def test_malformed_success_is_an_unknown_outcome(provider_api, provider, response):
    """The status promises success, but nothing shows that the provider's own API has sent this response."""
    assert outcome_and_remedy(error_after(response, provider, provider_api)) == UNKNOWN_RETRY


@pytest.mark.parametrize("provider", ["sequenzy", "resend"])
def test_truncated_response_is_an_unknown_outcome(provider_api, provider):
    assert outcome_and_remedy(error_after("truncated", provider, provider_api)) == UNKNOWN_RETRY


@pytest.mark.parametrize(
    ("response", "message_id"),
    [
        (Reply(202, b"", {"X-Message-Id": "abc"}), "abc"),
        (Reply(202, b""), ""),
        (Reply(202, b"]rubbish[", {"X-Message-Id": "abc"}), "abc"),
        (Reply(202, {"errors": [{"message": "odd"}]}), ""),
        (Reply(200, b""), ""),
    ],
)
def test_sendgrid_accepts_by_status_alone(provider_api, response, message_id):
    """SendGrid responds 202 without a body, or 200 without a body in its sandbox mode."""
    message = mail()
    provider_api.faults = [response]
    assert backend("sendgrid", provider_api).send_messages([message]) == 1
    assert message.provider_message_id == message_id


def test_sendgrid_200_with_body_is_an_unknown_outcome(provider_api):
    assert outcome_and_remedy(error_after(Reply(200, b"x"), "sendgrid", provider_api)) == UNKNOWN_RETRY


@pytest.mark.parametrize(
    ("provider", "response", "expected", "pauses"),
    [
        ("sequenzy", Reply(200, {"success": False, "error": "no"}), NOT_SENT_GIVE_UP, False),
        ("sequenzy", Reply(200, {"success": True, "error": {"code": "X", "message": "no"}}), NOT_SENT_GIVE_UP, False),
        ("sequenzy", Reply(403, {"error": "API key is missing required scope(s): x"}), NOT_SENT_FIX, True),
        ("sequenzy", Reply(409, {"error": "Idempotency-Key reused with different content"}), UNKNOWN_GIVE_UP, False),
        ("sequenzy", Reply(409, {"error": "A request with this key is running"}), UNKNOWN_RETRY, False),
        ("sequenzy", Reply(409, HTML), UNKNOWN_RETRY, False),
        ("sequenzy", Reply(429, {"error": {"code": "RATE_LIMITED", "message": "Slow down"}}), NOT_SENT_RETRY, True),
        ("sequenzy", Reply(429, {"error": "Monthly limit reached"}), NOT_SENT_QUOTA, True),
        ("resend", Reply(409, {"name": "invalid_idempotent_request", "message": "x"}), UNKNOWN_GIVE_UP, False),
        ("resend", Reply(409, {"name": "concurrent_idempotent_requests", "message": "x"}), UNKNOWN_RETRY, False),
        ("resend", Reply(409, {"name": "resource_locked", "message": "x"}), UNKNOWN_RETRY, False),
        ("resend", Reply(429, {"name": "daily_quota_exceeded", "message": "x"}), NOT_SENT_QUOTA, True),
        ("resend", Reply(429, {"name": "monthly_quota_exceeded", "message": "x"}), NOT_SENT_QUOTA, True),
        ("resend", Reply(403, b"error code: 1010", {"Content-Type": "text/plain"}), NOT_SENT_FIX, True),
        ("resend", Reply(403, {"name": "validation_error", "message": "Domain not verified"}), NOT_SENT_FIX, False),
        ("resend", Reply(403, {"name": "suspended_api_key", "message": "x"}), NOT_SENT_FIX, True),
        ("resend", Reply(400, {"name": "validation_error", "message": "API key is invalid"}), NOT_SENT_FIX, True),
        ("sendgrid", Reply(401, {"errors": [{"message": "Maximum credits exceeded"}]}), NOT_SENT_QUOTA, True),
        ("sendgrid", Reply(403, {"errors": [{"message": "access forbidden"}]}), NOT_SENT_FIX, True),
        ("sendgrid", Reply(403, {"errors": [{"message": "no verified sender", "field": "from"}]}), NOT_SENT_FIX, False),
    ],
)
def test_provider_specific_error_is_classified(provider_api, provider, response, expected, pauses):
    error = error_after(response, provider, provider_api)
    assert outcome_and_remedy(error) == expected
    assert error.pauses_provider is pauses


@pytest.mark.parametrize(
    ("provider", "headers", "seconds"),
    [
        ("sequenzy", {"Retry-After": "7"}, 7),
        ("resend", {"retry-after": "2", "ratelimit-reset": "9"}, 2),
        ("resend", {"ratelimit-reset": "9"}, 9),
        ("resend", {"x-ratelimit-reset": "1.5"}, 1.5),
        ("sendgrid", {"Retry-After": "3"}, 3),
        ("sequenzy", {"Retry-After": "-5"}, 0),
        ("sequenzy", {"Retry-After": "1e400"}, None),  # float() reads it as infinity
        ("sequenzy", {"Retry-After": "soon"}, None),
        # Python's datetime ends with the year 9999.
        ("sequenzy", {"Retry-After": "Mon, 01 Jan 99999999999 00:00:00 GMT"}, None),
        ("sequenzy", {"Retry-After": "99999999999"}, MAX_WAIT.total_seconds()),
        ("sequenzy", {}, None),
    ],
)
def test_retry_after_is_read_from_headers(provider_api, provider, headers, seconds):
    error = error_after(Reply(429, {}, headers), provider, provider_api)
    assert error.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_retry_after_is_read_from_a_date(provider_api):
    """RFC 9110 allows a date in Retry-After. SendGrid sends a Unix time in X-RateLimit-Reset, which takes priority."""
    in_an_hour = int(time.time()) + 3600
    resets = {"X-RateLimit-Reset": str(in_an_hour), "Retry-After": "3"}
    by_epoch = error_after(Reply(429, {}, resets), "sendgrid", provider_api).retry_after
    by_date = error_after(Reply(503, {}, {"Retry-After": formatdate(in_an_hour, usegmt=True)}), "resend", provider_api)
    left = timedelta(seconds=in_an_hour - time.time())
    assert left <= by_date.retry_after <= by_epoch + timedelta(seconds=1)
    assert left <= by_epoch <= timedelta(hours=1)
    assert by_date.pauses_provider


@pytest.mark.parametrize(
    ("response", "text"),
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
def test_provider_explanation_is_readable(provider_api, response, text):
    error = error_after(response, "sequenzy", provider_api)
    assert error.detail == text
    assert str(error).endswith(f": {text}")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_error_contains_neither_key_nor_content(provider_api, provider):
    """Errors reach logs, the admin, and error trackers, but some providers repeat the request in their response."""
    secret = "https://app.example.com/reset-password?token=abcdefghijklmnopqrstuvwxyz"
    provider_api.faults = [Reply(500, {"message": f"echo: Bearer {KEY} and {KEY} and {secret} {'x' * 5000}\x00\ud800"})]
    with pytest.raises(ProviderError) as caught:
        backend(provider, provider_api).send_messages([mail(body=secret, html=f"<a href='{secret}'>x</a>")])
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    for text in (repr(vars(error)), str(error), repr(error.args), pickle.dumps(error).decode("latin-1")):
        assert KEY not in text
    assert len(error.detail.encode()) <= 2048
    assert "\x00" not in error.detail


def test_error_survives_pickling(provider_api):
    """Processes exchange exceptions in pickled form, and keyword-only arguments break Python's default pickling."""
    error = error_after("429;retry-after=2", "resend", provider_api)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is ProviderError
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)
    assert copy.args == error.args


@pytest.mark.parametrize(
    "text", ["Bearer abc.def", "authorization: BASIC dXNlcg==", "SG.abcdefgh.ijkl", "re_12345678", "seq_user_12345678"]
)
def test_key_like_text_is_redacted(text):
    assert "[removed]" in redact(f"failed with {text}!")
