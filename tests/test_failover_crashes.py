"""The first provider goes down in the middle of 2,000 emails, while workers are killed and responses get lost."""

import sys
from collections import Counter
from datetime import timedelta

import pytest

from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow

EMAIL_COUNT = 2000
HOUR = timedelta(hours=1)
# In place of beat, which looks for due emails every 15 seconds.
WAKE_WORKERS = """
import time
import django
django.setup()
from emails.tasks import deliver_due
while True:
    deliver_due.delay()
    time.sleep(0.5)
"""


def let_pass(stack: Stack, duration: timedelta) -> None:
    """Let time pass for the providers' states only: the leases of running workers must not end early."""
    shifted = ("down_since", "failed_over_at", "paused_until")
    changes = ", ".join(f"{name} = {name} - interval '{duration.total_seconds()} seconds'" for name in shifted)
    stack.query(f"UPDATE emails_providerstate SET {changes} RETURNING name")


def providers_with(stack: Stack, column: str) -> list[str]:
    """Return the providers whose state has a value in this column."""
    return [name for (name,) in stack.query(f"SELECT name FROM emails_providerstate WHERE {column} IS NOT NULL")]


def accepted_by(provider_api) -> Counter[str]:
    return Counter(email.provider for email in provider_api.accepted)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("resend", "sequenzy"),
        pytest.param("sequenzy", "resend", marks=pytest.mark.exhaustive),
        pytest.param("sendgrid", "resend", marks=pytest.mark.exhaustive),
        pytest.param("resend", "sendgrid", marks=pytest.mark.exhaustive),
    ],
)
def test_outage_with_killed_workers_loses_nothing_and_sends_nothing_twice(
    make_stack, redis_server, provider_api, first, second
):
    provider_api.latency = 0.05
    stack = make_stack(
        first,
        REDIS_URL=redis_server.url,
        EMAIL_FALLBACK_PROVIDER=second,
        EMAIL_LEASE_SECONDS="8",
        EMAIL_UNKNOWN_WAIT_SECONDS="1",
        EMAIL_DELIVERY_THREADS="4",
        **{f"{second.upper()}_API_KEY": f"key-of-{second}", f"{second.upper()}_API_URL": provider_api.url(second)},
    )
    stack.queue(EMAIL_COUNT)
    stack.start_worker("worker1", wait=False)
    stack.start_worker("worker2", wait=False)
    stack.start("waker", sys.executable, "-c", WAKE_WORKERS)

    wait_until(lambda: accepted_by(provider_api)[first] >= 200, "the first provider delivers")
    provider_api.faults = ["cut-after", "500-after", "cut-after"]
    provider_api.defaults = {first: "503"}
    stack.kill("worker1")
    wait_until(lambda: first in providers_with(stack, "down_since"), "the workers notice the outage")
    let_pass(stack, HOUR)
    wait_until(lambda: accepted_by(provider_api)[second] >= 200, "the second provider delivers")
    provider_api.faults = ["cut-after", "500-after", "cut-after"]
    stack.kill("worker2")
    stack.start_worker("worker1", wait=False)
    stack.start_worker("worker2", wait=False)
    wait_until(lambda: accepted_by(provider_api)[second] >= 400, "the second provider goes on")

    provider_api.defaults = {}
    let_pass(stack, HOUR)
    wait_until(lambda: not providers_with(stack, "failed_over_at"), "the first provider carries email again")
    wait_until(lambda: stack.statuses() == {"sent": EMAIL_COUNT}, f"{EMAIL_COUNT} sent")

    copies = Counter(address for email in provider_api.accepted for address in email.recipients)
    duplicates = sum(count - 1 for count in copies.values())
    carried = dict(stack.query("SELECT provider, count(*) FROM emails_outboundemail GROUP BY provider"))
    print(f"{first}, then {second}: {carried}, {duplicates} twice")
    assert len(copies) == EMAIL_COUNT
    keyless = {"sendgrid"} & {first, second}
    assert duplicates <= (20 if keyless else 0), "lost responses and the calls of killed workers"
    assert set(carried) == {first, second}
