"""Sign-ups while Redis is away in each of four ways: 201, nearly as fast, and the mail arrives once when it is back."""

import shutil
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.support.faults import Line, asking, name_server
from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow

SIGNUPS = 30
NAME = "redis.spine.test"


def sign_up(stack: Stack, label: str) -> list[float]:
    """The seconds that each of the sign-ups took."""
    times = []
    for number in range(SIGNUPS):
        started = time.monotonic()
        response = stack.signup(f"{label}-{number}@example.com")
        times.append(time.monotonic() - started)
        assert response.status_code == 201, response.text
    return times


def everything_arrived_once(stack: Stack, provider_api, mails: int) -> float:
    seconds = wait_until(lambda: stack.statuses() == {"sent": mails}, f"{mails} sent", seconds=90)
    copies = Counter(address for mail in provider_api.accepted for address in mail.recipients)
    assert len(copies) == mails
    assert set(copies.values()) == {1}
    return seconds


@pytest.fixture
def outages(redis_server, tmp_path):
    """Return a function that prepares the outage with the given name."""
    with ExitStack() as cleanup:

        def prepare(fault: str) -> Outage:
            line = Line(redis_server.port)
            line.become("through")
            if fault in ("refused", "silent"):
                return Outage((), "127.0.0.1", line, lambda: line.become(fault), lambda: line.become("through"))
            if not may_mount():
                pytest.skip("needs root and unshare, to put a name server of its own before one process")
            server = cleanup.enter_context(name_server(NAME))

            def break_it() -> None:
                server.knows_it, server.delay = (False, 0.0) if fault == "name unknown" else (True, 5.0)
                line.cut()

            def mend_it() -> None:
                server.knows_it, server.delay = True, 0.0

            return Outage(asking(server, tmp_path), NAME, line, break_it, mend_it)

        yield prepare


@dataclass(frozen=True)
class Outage:
    prefix: tuple[str, ...]
    host: str
    line: Line
    begin: Callable[[], None]
    end: Callable[[], None]


def may_mount() -> bool:
    return bool(shutil.which("unshare")) and subprocess.run(["unshare", "--mount", "true"]).returncode == 0


@pytest.mark.parametrize("fault", ["refused", "silent", "name unknown", "name server takes 5 s"])
def test_signups_succeed_while_redis_is_away(fault, make_stack, outages, provider_api):
    outage = outages(fault)
    stack = make_stack("sendgrid", REDIS_URL=f"redis://{outage.host}:{outage.line.port}/0")
    stack.start_worker(prefix=outage.prefix, wait=False)
    stack.start_beat(outage.prefix)
    stack.start_web(outage.prefix)
    sign_up(stack, "warm")
    wait_until(lambda: stack.statuses() == {"sent": SIGNUPS}, "mail flows", seconds=40)
    with_redis = sign_up(stack, "before")
    outage.begin()
    without = sign_up(stack, "during")
    outage.end()
    recovery = everything_arrived_once(stack, provider_api, 3 * SIGNUPS)

    more = (statistics.median(without) - statistics.median(with_redis)) * 1000
    print(
        f"Redis {fault}: median {statistics.median(without) * 1000:.0f} ms ({more:+.0f} ms), "
        f"worst {max(without) * 1000:.0f} ms; all mail arrived {recovery:.1f} s after it was back"
    )
    assert more <= 20
    assert max(without) <= 0.5
