"""One limit for all workers: however many processes deliver, the provider never sees more calls than it takes."""

import pytest

from tests.stack import wait_until

pytestmark = pytest.mark.slow

PROCESSES = 8  # each with a drain of its own: four workers on two processes each
LIMIT = 5  # calls a second

RING = """
from celery import current_app
for _ in range(64):
    current_app.send_task("emails.tasks.deliver_due", ignore_result=True)
"""


@pytest.mark.parametrize(("provider", "mails"), [("sequenzy", 60), ("resend", 4000)])
def test_eight_processes_share_five_calls_a_second(make_stack, redis_server, provider_api, provider, mails):
    provider_api.limit = LIMIT
    stack = make_stack(provider, REDIS_URL=redis_server.url, EMAIL_RATE_PER_SECOND=str(LIMIT))
    workers = [f"worker{number}" for number in range(PROCESSES)]
    for worker in workers:
        stack.start_worker(worker, wait=False)
    wait_until(lambda: all("ready." in stack.log(worker) for worker in workers), "workers are ready")
    stack.queue(mails)
    stack.manage("shell", "-v", "0", "-c", RING)
    seconds = wait_until(lambda: stack.statuses() == {"sent": mails}, f"{mails} sent")

    report = provider_api.report()
    sharing = sum("was taken by" in stack.log(worker) for worker in workers)
    print(f"{provider}: {report['calls']} calls, {sharing} processes, {report['most_in_a_second']} at most in a second")
    arrivals = provider_api.arrivals
    span = min(later - earlier for earlier, later in zip(arrivals, arrivals[LIMIT:], strict=False))
    print(f"{LIMIT + 1} calls took {span:.3f} s or more; the last was taken {seconds:.1f} s after the last was queued")
    assert report["most_in_a_second"] <= LIMIT
    assert report["accepted"] == mails
    assert report["duplicates"] == 0
    assert sharing >= 3, "the test shows nothing unless several processes had a share"
