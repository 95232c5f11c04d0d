"""Workers are killed with SIGKILL repeatedly, several at once: nothing is lost, and nothing is sent twice."""

from collections import Counter

import pytest

from tests.support.stack import wait_until

pytestmark = pytest.mark.slow

KILLS = 6


def copies_by_recipient(provider_api) -> Counter[str]:
    return Counter(address for email in provider_api.accepted for address in email.recipients)


@pytest.mark.parametrize(
    ("provider", "email_count", "latency", "calls"),
    [
        ("resend", 1000, 0.3, 1),  # Resend accepts 100 emails per call
        pytest.param("resend", 2000, 0.3, 2, marks=pytest.mark.exhaustive),
        pytest.param("sequenzy", 500, 0.03, 20, marks=pytest.mark.exhaustive),
        ("sendgrid", 500, 0.03, 20),  # no idempotency keys
    ],
)
def test_killed_workers_lose_nothing_and_send_nothing_twice(
    make_stack, redis_server, provider_api, provider, email_count, latency, calls
):
    provider_api.latency = latency
    stack = make_stack(
        provider,
        REDIS_URL=redis_server.url,
        # On a busy machine, a worker starts slowly. If leases expired by then, each kill could hit the same attempt,
        # which is set aside after the fifth.
        EMAIL_LEASE_SECONDS="16",
        EMAIL_UNKNOWN_WAIT_SECONDS="1",
        EMAIL_DELIVERY_THREADS="4",
    )
    stack.queue(email_count)
    stack.start_beat()
    in_flight_at_kills = 0
    for _ in range(KILLS):
        stack.start_worker(wait=False)
        calls_before = provider_api.calls
        wait_until(lambda: provider_api.calls > calls_before + calls, "the worker delivers")  # noqa: B023
        stack.kill("worker")
        in_flight_at_kills += 4
        if sum(copies_by_recipient(provider_api).values()) >= email_count:
            break
    stack.start_worker()
    seconds = wait_until(lambda: stack.statuses() == {"sent": email_count}, f"{email_count} sent")

    copies = copies_by_recipient(provider_api)
    duplicates = sum(count - 1 for count in copies.values())
    print(f"{provider}: {len(copies)} of {email_count} arrived, {duplicates} twice, all sent {seconds:.1f} s later")
    assert len(copies) == email_count
    assert duplicates <= (in_flight_at_kills if provider == "sendgrid" else 0)


def test_four_workers_drain_2000_rows_at_once(make_stack, redis_server, provider_api):
    stack = make_stack(
        "sendgrid", REDIS_URL=redis_server.url
    )  # no idempotency keys: a second call would be a second email
    stack.queue(2000)
    for number in range(4):
        stack.start_worker(f"worker{number}", wait=False)
    stack.start_beat()
    wait_until(lambda: stack.statuses() == {"sent": 2000}, "2000 sent")
    copies = copies_by_recipient(provider_api)
    workers = sum("was accepted by" in stack.log(f"worker{number}") for number in range(4))
    print(f"4 workers: {len(copies)} of 2000 arrived, each {max(copies.values())} time(s)")
    assert len(copies) == 2000
    assert set(copies.values()) == {1}
    assert workers >= 2, "the test proves nothing unless several workers took part"
