"""The stand-in for the providers, which the other tests rely on."""

import subprocess
import sys
import threading
from typing import Any

import pytest
import requests

from emails.tests.support.standin import Connection, StandIn
from tests.support.stack import HUNG_AFTER, wait_until

RESEND = {"from": "a@acme.example", "to": ["ada@example.com"], "subject": "Hello", "text": "Hi", "tags": []}
SEQUENZY = {"from": "a@acme.example", "to": ["ada@example.com"], "subject": "Hello", "body": "Hi"}
SENDGRID = {
    "personalizations": [{"to": [{"email": "ada@example.com"}]}],
    "from": {"email": "a@acme.example"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "Hi"}],
}
PATHS = {"resend": "/emails", "sequenzy": "/transactional/send", "sendgrid": "/mail/send"}
PAYLOADS: dict[str, dict[str, Any]] = {"resend": RESEND, "sequenzy": SEQUENZY, "sendgrid": SENDGRID}


def post(provider_api, provider, payload=None, **headers):
    headers = {"Authorization": "Bearer some_key", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return requests.post(
        provider_api.url(provider) + PATHS[provider],
        json=payload or PAYLOADS[provider],
        headers=headers,
        timeout=HUNG_AFTER,
    )


@pytest.mark.parametrize(("provider", "status"), [("resend", 200), ("sequenzy", 200), ("sendgrid", 202)])
def test_valid_payload_is_accepted_as_documented(provider_api, provider, status):
    assert post(provider_api, provider).status_code == status
    assert provider_api.report() == {
        "calls": 1,
        "accepted": 1,
        "keys": 0,
        "recipients": {"ada@example.com": 1},
        "duplicates": 0,
        "most_in_a_second": 1,
    }


@pytest.mark.parametrize("provider", ["resend", "sequenzy"])
def test_repeated_key_returns_the_same_response(provider_api, provider):
    first, second = (post(provider_api, provider, Idempotency_Key="k").json() for _ in range(2))
    second.pop("idempotentReplay", None)
    assert (first, len(provider_api.accepted)) == (second, 1)
    assert (
        post(provider_api, provider, PAYLOADS[provider] | {"subject": "Other"}, Idempotency_Key="k").status_code == 409
    )


def test_forgotten_key_creates_a_second_email(provider_api):
    post(provider_api, "resend", Idempotency_Key="k")
    provider_api.forget_keys()
    post(provider_api, "resend", Idempotency_Key="k")
    assert provider_api.report()["duplicates"] == 1


def test_concurrent_call_with_same_key_is_a_conflict(provider_api, monkeypatch):
    """Hold the first call until the second has its response."""
    provider_api.latency = 0.01
    responses = []
    is_refused = threading.Event()
    finish = Connection.finish

    def finish_later(connection, request, running):
        if is_refused.is_set():
            finish(connection, request, running)
        else:
            provider_api._loop.call_later(provider_api.latency, finish_later, connection, request, running)

    monkeypatch.setattr(Connection, "finish", finish_later)
    first = threading.Thread(
        target=lambda: responses.append(post(provider_api, "resend", Idempotency_Key="k").status_code)
    )
    first.start()
    wait_until(lambda: bool(provider_api.running), "the first call is running")
    conflict = post(provider_api, "resend", Idempotency_Key="k")
    is_refused.set()
    first.join()
    assert (conflict.status_code, conflict.json()["name"]) == (409, "concurrent_idempotent_requests")
    assert responses == [200]


@pytest.mark.parametrize(
    ("provider", "payload", "status"),
    [
        ("resend", RESEND | {"to": []}, 422),
        ("resend", RESEND | {"to": "Ada <ada>"}, 422),
        ("resend", RESEND | {"headers": {"X": 1}}, 422),
        ("resend", RESEND | {"tags": [{"name": "ü", "value": "x"}]}, 422),
        ("sequenzy", SEQUENZY | {"to": ["Ada <ada@example.com>"]}, 422),
        ("sequenzy", SEQUENZY | {"text": "Hi"}, 400),
        ("sendgrid", SENDGRID | {"subject": ""}, 400),
        ("sendgrid", SENDGRID | {"personalizations": [{"to": [{"email": "a@b.example"}] * 2}]}, 400),
        ("sendgrid", SENDGRID | {"headers": {"To": "x"}}, 400),
        ("resend", [], 400),
    ],
)
def test_invalid_payload_is_refused(provider_api, provider, payload, status):
    response = requests.post(
        provider_api.url(provider) + PATHS[provider],
        json=payload,
        headers={"Authorization": "Bearer some_key"},
        timeout=HUNG_AFTER,
    )
    assert (response.status_code, provider_api.accepted) == (status, [])


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Authorization": "Bearer a_wrong_key"}, 401), ({"Authorization": ""}, 401), ({"User_Agent": ""}, 403)],
)
def test_bad_credentials_are_refused_first(provider_api, headers, status):
    assert post(provider_api, "resend", **headers).status_code == status


def test_faults_follow_the_script_and_then_end(provider_api):
    provider_api.faults = ["503", "500-after", "429;retry-after=2"]
    responses = [post(provider_api, "resend") for _ in range(4)]
    assert [response.status_code for response in responses] == [503, 500, 429, 200]
    assert responses[2].headers["retry-after"] == "2"
    assert len(provider_api.accepted) == 2


def test_down_lasts_until_switched_off(provider_api):
    provider_api.down = True
    assert {post(provider_api, "resend").status_code for _ in range(3)} == {503}
    provider_api.down = False
    assert post(provider_api, "resend").status_code == 200


def test_standin_runs_as_its_own_process():
    command = [sys.executable, "-m", "emails.tests.support.standin", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            standin = StandIn(port=int(process.stdout.readline()))
            base = f"http://127.0.0.1:{standin.port}"
            control = {"faults": ["422"], "latency": 0.01}
            assert requests.post(f"{base}/_standin/control", json=control, timeout=HUNG_AFTER).json()["calls"] == 0
            assert [post(standin, "resend").status_code for _ in range(2)] == [422, 200]
            assert requests.get(f"{base}/_standin/report", timeout=HUNG_AFTER).json()["accepted"] == 1
        finally:
            process.terminate()
