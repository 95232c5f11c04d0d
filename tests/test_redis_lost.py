"""Redis only carries wake-ups: losing everything in it loses no email."""

from collections import Counter

import pytest

from tests.support.stack import wait_until

pytestmark = pytest.mark.slow

MAILS = 500


def test_flushed_redis_loses_no_email(make_stack, redis_server, provider_api):
    stack = make_stack("sendgrid", REDIS_URL=redis_server.url)
    stack.queue(MAILS)
    assert redis_server.command("LLEN", "celery") != b":0", "the bell rang"
    assert redis_server.command("FLUSHALL") == b"+OK"
    stack.start_worker()
    stack.start_beat()
    seconds = wait_until(lambda: stack.statuses() == {"sent": MAILS}, f"{MAILS} sent")
    copies = Counter(address for mail in provider_api.accepted for address in mail.recipients)
    print(f"FLUSHALL: {len(copies)} of {MAILS} arrived, each {max(copies.values())} time, after {seconds:.1f} s")
    assert len(copies) == MAILS
    assert set(copies.values()) == {1}


def test_restarted_empty_redis_loses_no_email(make_stack, redis_server, provider_api):
    stack = make_stack("resend", REDIS_URL=redis_server.url)
    stack.start_worker()
    stack.start_beat()
    redis_server.stop()
    stack.queue(20)
    redis_server.start()
    seconds = wait_until(lambda: stack.statuses() == {"sent": 20}, "20 sent")
    print(f"Redis restarted: all sent {seconds:.1f} s later, nobody restarted anything")
    assert len(provider_api.accepted) == 20
