"""PostgreSQL crashes twice during sign-ups and Stripe events: clients see 503 and never 500, and nothing gets lost."""

import json
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests

from billing.tests.support.stripe_events import SECRET, changed, payload
from billing.webhook.signatures import sign
from emails.tests.support.providers import subject_of
from emails.tests.support.standin import StandIn
from tests.support.postgres_server import PostgresServer, missing
from tests.support.stack import HUNG_AFTER, RedisServer, Stack, wait_until
from tests.support.stripe_endpoint import USER

COUNT, CLIENTS = 60, 4  # sign-ups, and as many payments
WELCOME = "Welcome to "
CRASHES = [signal.SIGKILL, signal.SIGQUIT]  # of the main process, and of all processes (an immediate shutdown)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder)) as server:
        yield server


@pytest.fixture
def stack(tmp_path, postgres: PostgresServer, redis_server: RedisServer, provider_api: StandIn) -> Iterator[Stack]:
    environment = {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": redis_server.url,
        "EMAIL_PROVIDER": "resend",
        "RESEND_API_KEY": "re_test",
        "RESEND_API_URL": provider_api.url("resend"),
        "STRIPE_WEBHOOK_SECRETS": SECRET,
        "EMAIL_LEASE_SECONDS": "10",  # a crash can leave emails with a lease, and the test waits until it ends
    }
    with Stack(tmp_path, "", environment) as stack:
        stack.database_url = postgres.url
        stack.manage("migrate", "-v", "0")
        stack.manage("shell", "-v", "0", "-c", USER)
        stack.start_web()
        stack.start_worker()
        stack.start_beat()
        yield stack


class Clients:
    """Send requests in parallel, repeat each one until it succeeds, and remember every status."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.statuses: Counter[int] = Counter()
        self.done = 0
        self.lock = threading.Lock()

    def sign_up(self, number: int) -> None:
        self.repeat(lambda: self.stack.signup(f"person-{number}@example.com"))

    def report_payment(self, number: int) -> None:
        body = json.dumps(changed(payload("invoice_paid_first"), id=f"in_{number}")).encode()
        url = self.stack.url("/stripe/webhook")

        def post() -> requests.Response:
            headers = {"Stripe-Signature": sign(body, SECRET, at=time.time())}
            return requests.post(url, body, headers=headers, timeout=HUNG_AFTER)

        self.repeat(post)

    def have_done(self, count: int) -> bool:
        return self.done >= count

    def have_met_outage(self, before: int) -> bool:
        return self.statuses[503] > before

    def repeat(self, send: Callable[[], requests.Response]) -> None:
        while True:
            response = send()
            with self.lock:
                self.statuses[response.status_code] += 1
                self.done += response.ok
            if response.status_code != 503:
                return
            assert int(response.headers["Retry-After"]) > 0
            assert set(response.json()) >= {"detail"}
            time.sleep(0.2)


def assert_outage_is_visible(stack: Stack) -> None:
    page = requests.get(stack.url("/dashboard"), cookies={"__Host-sessionid": "a" * 32}, timeout=HUNG_AFTER)
    assert (page.status_code, ">503</span>" in page.text) == (503, True)
    assert requests.get(stack.url("/healthz"), timeout=HUNG_AFTER).status_code == 200
    assert requests.get(stack.url("/readyz"), timeout=HUNG_AFTER).status_code == 503


def crash_during(clients: Clients, postgres: PostgresServer) -> None:
    for number, how in enumerate(CRASHES, start=1):
        wait_until(partial(clients.have_done, number * 2 * COUNT // 3), "some requests have succeeded")
        before = clients.statuses[503]
        postgres.crash(how)
        wait_until(partial(clients.have_met_outage, before), "a client has got a 503")
        assert_outage_is_visible(clients.stack)
        postgres.start()


def test_crashes_lose_nothing_and_repeat_nothing(stack, postgres, provider_api):
    clients = Clients(stack)
    with ThreadPoolExecutor(CLIENTS) as pool:
        tasks = [(task, number) for number in range(COUNT) for task in (clients.sign_up, clients.report_payment)]
        work = [pool.submit(task, number) for task, number in tasks]
        crash_during(clients, postgres)
        for future in work:
            future.result()
    assert set(clients.statuses) == {200, 201, 503}
    wait_until(lambda: set(stack.statuses()) == {"sent"}, "every email is sent")
    people = [f"person-{number}@example.com" for number in range(COUNT)]
    accounts = stack.query("SELECT email FROM accounts_user WHERE id <> 7")
    assert sorted(address for (address,) in accounts) == sorted(people)
    assert len(stack.query("SELECT 1 FROM billing_payment")) == COUNT
    kinds = Counter(kind for (kind,) in stack.query("SELECT kind FROM emails_outboundemail"))
    sent = Counter(subject_of(email) for email in provider_api.accepted)
    welcomes = [email.recipients[0] for email in provider_api.accepted if subject_of(email).startswith(WELCOME)]
    print(dict(clients.statuses), dict(kinds), dict(sent))
    assert sorted(set(welcomes) - {"ada@own.example"}) == sorted(people)
    assert len(welcomes) == COUNT + 1
    assert sum(sent.values()) == sum(kinds.values())
    assert kinds["receipt"] == COUNT
