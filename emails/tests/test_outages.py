"""A provider that is down: every mail arrives, each once, however long it takes."""

from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings

from emails.delivery.drain import SUBMITTED_PER_THREAD
from emails.models import OutboundEmail, Status
from emails.tests.conftest import PROVIDERS
from emails.tests.support.clock import travel

MAILS = 40


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("outage", "step"),
    [
        pytest.param(timedelta(minutes=10), timedelta(seconds=30), id="10 minutes"),
        pytest.param(timedelta(minutes=40), timedelta(minutes=2), id="40 minutes"),
        pytest.param(timedelta(hours=30), timedelta(hours=1), id="30 hours"),
    ],
)
def test_every_mail_arrives_once_after_an_outage(api, outbox, queue, deliver, provider, outage, step):
    outbox(provider)
    queue(MAILS)
    api.down = True
    for _ in range(outage // step):
        deliver()
        travel(step)
    calls_in_vain = api.calls
    api.down = False

    recovery = timedelta()
    while OutboundEmail.objects.exclude(status=Status.SENT).exists():
        assert recovery < timedelta(minutes=5), "the backlog must be gone soon after the recovery"
        travel(timedelta(seconds=15))
        recovery += timedelta(seconds=15)
        deliver()

    received = Counter(address for mail in api.accepted for address in mail.recipients)
    print(f"{provider}, down {outage}: {calls_in_vain} calls in vain, backlog gone after {recovery}")
    assert len(received) == MAILS
    assert set(received.values()) == {1}
    in_hand = SUBMITTED_PER_THREAD * settings.EMAIL_DELIVERY_THREADS
    assert calls_in_vain <= in_hand + 5 + outage / timedelta(seconds=15), (
        "what was in hand, and then one probe at a time"
    )
