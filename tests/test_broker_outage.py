"""Sign-ups while Redis is unavailable in four ways: they succeed, and the email arrives once when Redis is back.

benchmarks/redis_outage.py measures that they are nearly as fast.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.faults import NAME_FAULTS, SERVER_FAULTS, Outage, may_mount, redis_outage
from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow

SIGNUPS = 10


def sign_up(stack: Stack, label: str) -> None:
    for number in range(SIGNUPS):
        response = stack.signup(f"{label}-{number}@example.com")
        assert response.status_code == 201, response.text


def assert_everything_arrived_once(stack: Stack, provider_api, email_count: int) -> None:
    wait_until(lambda: stack.statuses() == {"sent": email_count}, f"{email_count} sent")
    copies = Counter(address for email in provider_api.accepted for address in email.recipients)
    assert len(copies) == email_count
    assert set(copies.values()) == {1}


@pytest.fixture(params=[*SERVER_FAULTS, *(pytest.param(fault, marks=pytest.mark.exhaustive) for fault in NAME_FAULTS)])
def outage(request, redis_server, tmp_path) -> Iterator[Outage]:
    if request.param in NAME_FAULTS and not may_mount():
        pytest.skip("needs root and unshare, to put a name server of its own before one process")
    with redis_outage(request.param, redis_server.port, tmp_path) as outage:
        yield outage


def test_signups_succeed_while_redis_is_away(outage, make_stack, provider_api):
    stack = make_stack("sendgrid", REDIS_URL=f"redis://{outage.host}:{outage.port}/0")
    stack.start_worker(prefix=outage.prefix, wait=False)
    stack.start_beat(outage.prefix)
    stack.start_web(outage.prefix)
    sign_up(stack, "warm")
    wait_until(lambda: stack.statuses() == {"sent": SIGNUPS}, "mail flows")
    outage.begin()
    sign_up(stack, "during")
    outage.end()
    assert_everything_arrived_once(stack, provider_api, 2 * SIGNUPS)
