"""The logs of real processes in production: one ID finds everything about a request, and no line contains a secret."""

import json
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from billing.tests.support.stripe_events import SECRET, changed, payload
from billing.webhook.signatures import sign
from emails.tests.support.provider_rules import Reply
from emails.tests.support.signed_events import RESEND_SECRET, resend_event, sign_resend
from emails.tests.support.standin import StandIn
from tests.support.failing import DELIVERY, INVOICE, LOG_IN, SIGN_UP
from tests.support.faults import refusing_connections
from tests.support.sentry_server import SentryServer
from tests.support.stack import (
    HUNG_AFTER,
    RedisServer,
    Stack,
    redis_is_installed,
    temporary_database,
    wait_until,
)
from tests.support.stripe_endpoint import USER

Line = dict[str, Any]
PASSWORD, MARK = "correct-Horse-9-battery", "Zanzibar"  # the mark is part of bodies
QUOTED = "Another-planted-9-secret"  # some exceptions quote it
KEYS = {
    "RESEND_API_KEY": "re_PlantedKey0123456789",
    "METRICS_TOKEN": "PlantedMetricsToken0123456789abcdef",
    "STRIPE_WEBHOOK_SECRETS": SECRET,
    "RESEND_WEBHOOK_SECRETS": RESEND_SECRET,
}
ADDRESS = re.compile(r"[\w.+-]+(@|%40)[\w-]+\.\w+")
LOGIN_USER = f"""
from django.utils import timezone
User.objects.create_user({LOG_IN!r}, {PASSWORD!r}, email_verified_at=timezone.now())
"""
LINES = [
    3_000,
    pytest.param(100_000, marks=pytest.mark.exhaustive),
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def provider() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture(scope="module")
def sentry() -> Iterator[SentryServer]:
    with SentryServer() as server:
        yield server


@pytest.fixture(scope="module")
def stack(tmp_path_factory, migrated_database: str, provider: StandIn, sentry: SentryServer) -> Iterator[Stack]:
    if not redis_is_installed():
        pytest.skip("needs redis-server on the PATH")
    redis = RedisServer().start()
    environment = {"REDIS_URL": redis.url, "EMAIL_PROVIDER": "resend", "RESEND_API_URL": provider.url("resend"), **KEYS}
    environment |= {"DJANGO_SETTINGS_MODULE": "tests.support.failing_settings", "SENTRY_DSN": sentry.dsn}
    environment |= {"SENTRY_RELEASE": "release-1", "SENTRY_ENVIRONMENT": "staging"}
    with (
        temporary_database(migrated_database) as name,
        Stack(tmp_path_factory.mktemp("logs"), name, environment) as run,
    ):
        for limit in ("PASSWORD_RESET", "LOGIN_ACCOUNT", "BILLING"):
            run.environment[f"THROTTLE_{limit}"] = "1000000/hour"
        run.manage("shell", "-v", "0", "-c", f"{USER}{LOGIN_USER}")
        run.start_web()
        run.start_worker()
        run.start_beat()
        yield run
    redis.stop()


def lines_of(stack: Stack, words: str = "") -> list[Line]:
    """Return the lines of all processes that contain the words. Each must be a JSON object."""
    texts = [line for name in ("web", "worker", "beat") for line in stack.log(name).splitlines() if words in line]
    return [json.loads(text) for text in texts]


def count_lines(stack: Stack) -> int:
    return sum(stack.log(name).count("\n") for name in ("web", "worker", "beat"))


def one(lines: Sequence[Line], **fields: str) -> Line:
    """Return the only line with these fields; a field may contain more than the given words."""
    found = [line for line in lines if all(words in str(line.get(name, "")) for name, words in fields.items())]
    assert len(found) == 1, (fields, lines)
    return found[0]


def post_signed(stack: Stack, event: Any, **headers: str) -> requests.Response:
    body = json.dumps(event).encode()
    headers |= sign_resend(body, str(int(time.time())))
    return requests.post(stack.url("/emails/webhooks/resend/"), body, headers=headers, timeout=HUNG_AFTER)


def post_stripe(stack: Stack, event: Any, **headers: str) -> requests.Response:
    body = json.dumps(event).encode()
    headers["Stripe-Signature"] = sign(body, SECRET, at=time.time())
    return requests.post(stack.url("/stripe/webhook"), body, headers=headers, timeout=HUNG_AFTER)


def test_one_id_finds_request_task_email_and_provider_event(stack):
    request_id = "trace-of-one-sign-up"
    body = {"email": "grace@planted.example", "name": "Grace", "password": PASSWORD}
    response = requests.post(
        stack.url("/api/accounts/signup/"), json=body, headers={"X-Request-ID": request_id}, timeout=HUNG_AFTER
    )
    assert (response.status_code, response.headers["X-Request-ID"]) == (201, request_id)
    wait_until(lambda: "was accepted" in json.dumps(lines_of(stack, request_id)), "the email is sent")
    queued = one(lines_of(stack, request_id), logger="emails.backends.outbox")
    event = resend_event("email.delivered", message="x", to=body["email"], at=time.time(), our_id=queued["message_id"])
    assert post_signed(stack, event).status_code == 200
    lines = lines_of(stack, request_id)
    assert one(lines, logger="gunicorn.access")["path"] == "/api/accounts/signup/"
    task = one(lines, logger="common.task_logs")
    assert (task["request_ids"], bool(task["task_id"])) == ([request_id], True)
    accepted = one(lines, message="was accepted by resend")
    assert accepted["message_id"] == queued["message_id"]
    assert {"task_id", "attempt_id"} <= set(accepted)
    delivered = one(lines, message="reports delivered")
    assert (delivered["message_id"], delivered["origin_request_id"]) == (queued["message_id"], request_id)
    assert delivered["request_id"] != request_id


def test_stripe_event_leads_to_its_request_and_its_email(stack):
    event = changed(payload("invoice_paid_first"), id="in_trace")
    request_id = post_stripe(stack, event).headers["X-Request-ID"]
    wait_until(lambda: "was accepted" in json.dumps(lines_of(stack, event["id"])), "the receipt is sent")
    lines = lines_of(stack, event["id"])
    assert {line["request_id"] for line in lines} == {request_id}
    assert one(lines, message="(receipt) is queued")["message_id"] == one(lines, message="was accepted")["message_id"]


@pytest.mark.parametrize("header", ["", "a b", "x" * 129, "ada@planted.example", "re_0123456789abcdef", "../x"])
def test_malformed_request_id_is_replaced(stack, header):
    response = requests.get(stack.url("/healthz"), headers={"X-Request-ID": header}, timeout=HUNG_AFTER)
    assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-ID"])


def fail_everywhere(stack: Stack) -> dict[str, str]:
    """Cause an error in each part of the project, and return the IDs of the requests by what the events name."""

    def post(path: str, **body: str) -> str:
        secrets = {
            "Authorization": f"Token {'e' * 64}",
            "Cookie": f"a={QUOTED}",
            "Referer": f"https://x/?a={QUOTED}",
        }
        url = stack.url(f"/api/accounts/{path}/?token={QUOTED}")
        response = requests.post(url, json=body, headers=secrets, timeout=HUNG_AFTER)
        assert response.status_code in (201, 500)
        return response.headers["X-Request-ID"]

    found = {"accounts.api.views.SignupView": post("signup", email=SIGN_UP, name=MARK, password=QUOTED)}
    found["accounts.api.views.LoginView"] = post("login", email=LOG_IN, password=PASSWORD)
    found["emails.delivery.calls"] = post("signup", email=f"{DELIVERY}planted.example", name=MARK, password=QUOTED)
    event = changed(payload("invoice_paid_first"), id=f"{INVOICE}_1", customer_email="stripe@planted.example")
    found["billing.webhook.processing"] = post_stripe(stack, event).headers["X-Request-ID"]
    page = requests.get(stack.url(f"/failing-page?token={QUOTED}"), timeout=HUNG_AFTER)
    found["tests.support.failing_urls.failing_page"] = page.headers["X-Request-ID"]
    task = f"from tests.support.failing import failing_task; failing_task.delay('task@planted.example', {QUOTED!r})"
    stack.manage("shell", "-v", "0", "-c", task)
    return found


def test_sentry_gets_every_error_and_no_secret(stack, sentry):
    requests.get(stack.url("/nothing"), timeout=HUNG_AFTER)
    requests.get(stack.url("/"), headers={"Host": "evil.example"}, timeout=HUNG_AFTER)
    request_ids = fail_everywhere(stack)
    expected = {*request_ids, "tests.support.failing.failing_task"}

    def places() -> dict[str, Any]:
        return {name: event for event in sentry.events for name in (event.get("logger"), event.get("transaction"))}

    wait_until(lambda: expected <= set(places()), "all errors are reported")
    for name, request_id in request_ids.items():
        tags = places()[name]["tags"]
        assert tags.get("request_id") == request_id or name == "emails.delivery.calls", (name, tags)
    assert "task_id" in places()["emails.delivery.calls"]["tags"]
    assert "stripe_event_id" in places()["billing.webhook.processing"]["tags"]
    assert {(event["release"], event["environment"]) for event in sentry.events} == {("release-1", "staging")}
    assert len(sentry.events) == len(expected), [event.get("transaction") for event in sentry.events]
    for body in sentry.bodies:
        assert not [secret for secret in (QUOTED, PASSWORD, MARK, "e" * 64, *KEYS.values()) if secret in body]
        assert not ADDRESS.search(body), ADDRESS.search(body)
        assert '"vars"' not in body


class Load:
    """Requests of every kind, many with something that must not be in a log. ``secrets`` grows while it runs."""

    def __init__(self, stack: Stack, provider: StandIn) -> None:
        self.stack, self.provider = stack, provider
        self.random = random.Random(7)
        self.secrets = {PASSWORD, MARK, *KEYS.values(), stack.environment["SECRET_KEY"]}
        self.number = 0
        self.lock, self.local = threading.Lock(), threading.local()
        self.kinds: list[tuple[Callable[[str], object], int]] = [
            (self.sign_up, 4),
            (self.log_in, 3),
            (self.ask_for_reset, 3),
            (self.open_link, 15),
            (self.send_garbage, 15),
            (self.miss, 60),
            (self.report_event, 20),
            (self.report_payment, 10),
            (self.forge, 15),
        ]

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.send_until, [end] * 4))

    def send_until(self, end: float) -> None:
        kinds, weights = zip(*self.kinds, strict=True)
        while time.monotonic() < end:
            with self.lock:
                self.number += 1
                address, [kind] = f"person-{self.number}@planted.example", self.random.choices(kinds, weights)
            with suppress(requests.ConnectionError):
                kind(address)

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        if not hasattr(self.local, "session"):
            self.local.session = requests.Session()
        session: requests.Session = self.local.session
        session.cookies.clear()
        return session.request(method, self.stack.url(path), allow_redirects=False, timeout=HUNG_AFTER, **arguments)

    def api(self, path: str, **body: str) -> requests.Response:
        return self.request("POST", f"/api/accounts/{path}/", json=body)

    def sign_up(self, address: str) -> None:
        self.api("signup", email=address, name=f"{MARK} Quine", password=PASSWORD)
        self.api("signup", email=address, name=f"{MARK} Quine", password=PASSWORD)
        self.api("signup", email=f"{address}, {address}", name=MARK, password=PASSWORD[:3])

    def log_in(self, address: str) -> None:
        self.api("login", email=address, password=PASSWORD)
        token = self.api("login", email="ada@own.example", password="wrong").json().get("token", "f" * 64)
        self.request("GET", "/api/accounts/me/", headers={"Authorization": f"Token {token}"})
        self.secrets.add(token)

    def ask_for_reset(self, address: str) -> None:
        self.api("password/reset", email=f"person-{self.random.randrange(self.number)}@planted.example")

    def open_link(self, address: str) -> None:
        """Open a link from an email, and put its token where a proxy or a browser may put it."""
        for email in self.provider.accepted[-3:]:
            for token in re.findall(r"token=([\w:%.-]+)", json.dumps(email.payload)):
                self.secrets.add(token)
                self.request("GET", f"/verify-email?token={token}", headers={"Referer": f"https://x/?token={token}"})
                self.request("GET", f"/gone/{token}")
                self.api("email/verify", token=token, password=PASSWORD)

    def send_garbage(self, address: str) -> None:
        body = f'{{"email": "{address}", "password": "{PASSWORD}'.encode()
        self.request("POST", "/api/accounts/login/", data=body, headers={"Content-Type": "application/json"})
        self.request("POST", "/login", data={"email": address, "password": PASSWORD})

    def miss(self, address: str) -> None:
        encoded = address.replace("@", "%40")
        self.request("GET", f"/people/{encoded}?email={encoded}", headers={"User-Agent": address})
        self.request("GET", f"/{address}", headers={"X-Request-ID": address, "Cookie": f"a={PASSWORD}"})
        self.request("GET", f"/api/{KEYS['RESEND_API_KEY']}", headers={"Authorization": f"Bearer {PASSWORD}"})
        self.request("GET", "/metrics", headers={"Authorization": f"Bearer {KEYS['METRICS_TOKEN']}"})

    def report_event(self, address: str) -> None:
        for email in self.provider.accepted[-2:]:
            bounce = {"bounce": {"type": "Permanent", "message": f"550 <{address}> {MARK} unknown"}}
            to = email.recipients[0]
            ours = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", json.dumps(email.payload))
            event = resend_event(
                self.random.choice(["email.bounced", "email.delivered", "email.nonsense"]),
                message="x", to=to, at=time.time(), our_id=ours and ours[0], **bounce,
            )  # fmt: skip
            post_signed(self.stack, event)
        post_signed(self.stack, {"type": address, "data": [MARK]})

    def report_payment(self, address: str) -> None:
        event = changed(payload("invoice_paid_first"), id=f"in_{self.number}", customer_email=address)
        post_stripe(self.stack, event)
        post_stripe(self.stack, {"id": address, "object": MARK})

    def forge(self, address: str) -> None:
        self.request("POST", "/stripe/webhook", data=address, headers={"Stripe-Signature": f"t=1,v1={PASSWORD}"})
        self.request("POST", "/emails/webhooks/resend/", data=address, headers={"svix-id": address})
        self.request("GET", "/", headers={"Host": "evil.example"})


# Makes the database quote a whole row, and the statement with its values, in an error.
FAULTS = {
    "ALTER TABLE emails_outboundemail ADD CONSTRAINT planted CHECK (kind <> 'receipt') NOT VALID": (
        "ALTER TABLE emails_outboundemail DROP CONSTRAINT planted"
    ),
    "ALTER TABLE accounts_user RENAME name TO planted": "ALTER TABLE accounts_user RENAME planted TO name",
}


def break_things(load: Load) -> None:
    """Let the provider refuse emails with texts that quote them, and break the database in several ways."""
    texts = [f"Invalid `to` field: person-{number}@planted.example" for number in range(40)]
    refusals = [Reply(422, {"name": "validation_error", "message": text, "statusCode": 422}) for text in texts]
    load.provider.faults = [*refusals, "503", "rubbish", "cut-after", "500-html"] * 3
    name = load.stack.database_url.rpartition("/")[2]
    for fault, repair in FAULTS.items():
        with psycopg.connect(load.stack.database_url, autocommit=True) as admin:
            admin.execute(fault)
            time.sleep(1.5)
            admin.execute(repair)
    with refusing_connections(name):
        time.sleep(1)


@pytest.mark.parametrize("count", LINES)
def test_no_line_contains_an_address_body_key_or_token(stack, provider, sentry, count):
    load = Load(stack, provider)
    breaking = threading.Timer(2, partial(break_things, load))
    breaking.start()
    while breaking.is_alive() or count_lines(stack) < count:
        load.run(5)
    breaking.join()
    lines = lines_of(stack)
    exceptions = "".join(line.get("exception", "") for line in lines)
    for name in ("IntegrityError", "ProgrammingError", "OperationalError"):
        assert f"django.db.utils.{name}" in exceptions
    for line in lines:
        text = json.dumps(line, ensure_ascii=False)
        assert {"time", "level", "logger", "message"} <= set(line)
        assert not ADDRESS.search(text), text
        assert not [secret for secret in load.secrets if secret in text], text
    for body in sentry.bodies:
        assert not ADDRESS.search(body), body
        assert not [secret for secret in load.secrets if secret in body], body
    size = sum((Path(stack.directory) / f"{name}.log").stat().st_size for name in ("web", "worker", "beat"))
    print(f"{len(lines):,} lines, {size / len(lines):.0f} bytes each, {len(load.secrets)} secrets")
    if "KEEP_LOGS" in os.environ:
        print(stack.directory)
