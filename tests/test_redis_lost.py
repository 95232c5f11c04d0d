"""Redis only carries wake-ups: losing everything in it loses no email."""

from collections import Counter

import pytest

from tests.support.stack import wait_until

pytestmark = pytest.mark.slow

EMAIL_COUNT = 500


def test_flushed_redis_loses_no_email(make_stack, redis_server, provider_api):
    stack = make_stack("sendgrid", REDIS_URL=redis_server.url)
    stack.queue(EMAIL_COUNT)
    assert redis_server.command("LLEN", "celery") != b":0", "the wake-ups must be in Redis"
    assert redis_server.command("FLUSHALL") == b"+OK"
    stack.start_worker()
    stack.start_beat()
    seconds = wait_until(lambda: stack.statuses() == {"sent": EMAIL_COUNT}, f"{EMAIL_COUNT} sent")
    copies = Counter(address for email in provider_api.accepted for address in email.recipients)
    print(f"FLUSHALL: {len(copies)} of {EMAIL_COUNT} arrived, each {max(copies.values())} time, after {seconds:.1f} s")
    assert len(copies) == EMAIL_COUNT
    assert set(copies.values()) == {1}


def test_restarted_empty_redis_loses_no_email(make_stack, redis_server, provider_api):
    stack = make_stack("resend", REDIS_URL=redis_server.url)
    stack.start_worker()
    stack.start_beat()
    redis_server.stop()
    stack.queue(20)
    redis_server.start()
    seconds = wait_until(lambda: stack.statuses() == {"sent": 20}, "20 sent")
    print(f"Redis restarted: all sent {seconds:.1f} s later, nothing else was restarted")
    assert len(provider_api.accepted) == 20
