"""A limit of 20 attempts while 24 other connections load the server, with two processes and a Redis that fails.

The limit is per hour, so that the result doesn't depend on how long the test takes.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import requests

from tests.support.faults import Line
from tests.support.stack import HUNG_AFTER, Stack, collected_static_files, wait_until

pytestmark = pytest.mark.slow

LIMIT, PROCESSES, CONNECTIONS = 20, 2, 24
REFUSALS = 50  # how many refusals in a row end a test
FAULTS = ["none", "refused", "silent", "late", "flushed", "restarted"]


@contextmanager
def load(stack: Stack) -> Iterator[None]:
    """Send requests over many connections, as fast as possible."""
    is_over = threading.Event()

    def fetch() -> None:
        with requests.Session() as session:
            while not is_over.is_set():
                with suppress(requests.RequestException):
                    session.get(stack.url("/api/billing/plans/"), timeout=HUNG_AFTER)

    threads = [threading.Thread(target=fetch) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("fault", FAULTS)
def test_limit_holds_under_load(make_stack, redis_server, fault):
    line = Line(redis_server.port)
    line.become("through")
    stack = make_stack(
        REDIS_URL=f"redis://127.0.0.1:{line.port}/0", THROTTLE_LOGIN=f"{LIMIT}/hour", TRUSTED_PROXY_COUNT="0"
    )
    options = ("--bind", f"127.0.0.1:{stack.port}", "--workers", str(PROCESSES), "--threads", "8")
    stack.environment["TEST_STATIC_ROOT"] = collected_static_files()
    stack.start("web", sys.executable, "-m", "gunicorn", "myproject.wsgi", *options)
    wait_until(stack.web_answers, "the web server answers")
    with load(stack):
        evaluated = count_attempts(stack, until=LIMIT // 2)
        if fault == "flushed":
            assert redis_server.command("FLUSHALL") == b"+OK"
        elif fault == "restarted":
            redis_server.stop()
            redis_server.start()
        elif fault != "none":
            line.become(fault)
        evaluated += count_attempts(stack)
    print(f"{fault}: {evaluated} of {LIMIT} attempts were evaluated by {PROCESSES} processes")
    assert LIMIT <= evaluated <= LIMIT * PROCESSES
    line.become("refused")


def count_attempts(stack: Stack, until: int | None = None) -> int:
    """Guess until so many passwords were checked, or until guesses are refused for good; returns how many were."""
    evaluated = refused = 0
    while evaluated != until and refused < REFUSALS:
        body = {"email": "ada@example.com", "password": "wrong"}
        status = requests.post(stack.url("/api/accounts/login/"), json=body, timeout=HUNG_AFTER).status_code
        assert status in (400, 429)
        evaluated += status == 400
        refused = refused + 1 if status == 429 else 0
    return evaluated
