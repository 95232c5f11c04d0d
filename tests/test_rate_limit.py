"""One rate limit for all workers: however many processes deliver, each call takes its own slot, evenly spaced.

On a busy machine, a call may start late and come close to the next. benchmarks/rate_limit.py measures that.
"""

from datetime import timedelta

import pytest

from emails.delivery.pacing import SHARE
from tests.support.stack import wait_until

pytestmark = pytest.mark.slow

PROCESSES = 8  # each with a drain of its own: four workers on two processes each
LIMIT = 5  # calls a second

WAKE_WORKERS = """
from celery import current_app
for _ in range(64):
    current_app.send_task("emails.tasks.deliver_due", ignore_result=True)
"""


@pytest.mark.parametrize(
    ("provider", "email_count"),
    [
        ("resend", 1000),  # 100 emails per call
        pytest.param("resend", 2000, marks=pytest.mark.exhaustive),
        pytest.param("sequenzy", 60, marks=pytest.mark.exhaustive),
    ],
)
def test_eight_processes_share_five_calls_a_second(make_stack, redis_server, provider_api, provider, email_count):
    provider_api.limit = LIMIT
    stack = make_stack(provider, REDIS_URL=redis_server.url, EMAIL_RATE_PER_SECOND=str(LIMIT))
    workers = [f"worker{number}" for number in range(PROCESSES)]
    for worker in workers:
        stack.start_worker(worker, wait=False)
    wait_until(lambda: all("ready." in stack.log(worker) for worker in workers), "workers are ready")
    [(began,)] = stack.query("SELECT now()")
    stack.queue(email_count)
    stack.manage("shell", "-v", "0", "-c", WAKE_WORKERS)
    wait_until(lambda: stack.statuses() == {"sent": email_count}, f"{email_count} sent")

    report = provider_api.report()
    sharing = sum("was accepted by" in stack.log(worker) for worker in workers)
    [(next_slot,)] = stack.query(f"SELECT next_slot_at FROM emails_providerstate WHERE name = '{provider}'")
    print(f"{provider}: {report['calls']} calls by {sharing} processes")
    assert next_slot - began >= report["calls"] * timedelta(seconds=1 / (LIMIT * SHARE))
    assert report["accepted"] == email_count
    assert report["duplicates"] == 0
    assert sharing >= 2, "the test shows nothing unless several processes had a share"
