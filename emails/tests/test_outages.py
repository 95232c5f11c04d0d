"""A provider outage: every email arrives once, however long the outage lasts."""

from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings

from emails.delivery.drain import SUBMITTED_PER_THREAD
from emails.models import OutboundEmail, Status
from emails.tests.conftest import PROVIDERS
from emails.tests.support.clock import travel

EMAIL_COUNT = 40


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("outage", "step"),
    [
        pytest.param(timedelta(minutes=10), timedelta(seconds=30), id="10 minutes"),
        pytest.param(timedelta(minutes=40), timedelta(minutes=2), id="40 minutes"),
        pytest.param(timedelta(hours=30), timedelta(hours=1), id="30 hours"),
    ],
)
def test_every_email_arrives_once_after_an_outage(
    provider_api, use_provider, queue_emails, deliver, provider, outage, step
):
    use_provider(provider)
    queue_emails(EMAIL_COUNT)
    provider_api.down = True
    for _ in range(outage // step):
        deliver()
        travel(step)
    failed_calls = provider_api.calls
    provider_api.down = False

    recovery = timedelta()
    while OutboundEmail.objects.exclude(status=Status.SENT).exists():
        assert recovery < timedelta(minutes=5), "the backlog must be gone soon after the recovery"
        travel(timedelta(seconds=15))
        recovery += timedelta(seconds=15)
        deliver()

    received = Counter(address for email in provider_api.accepted for address in email.recipients)
    print(f"{provider}, down {outage}: {failed_calls} failed calls, backlog gone after {recovery}")
    assert len(received) == EMAIL_COUNT
    assert set(received.values()) == {1}
    in_hand = SUBMITTED_PER_THREAD * settings.EMAIL_DELIVERY_THREADS
    assert failed_calls <= in_hand + 5 + outage / timedelta(seconds=15), "one probe at a time once it is open"
