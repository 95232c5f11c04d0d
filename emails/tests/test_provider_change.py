"""EMAIL_PROVIDER changes while email waits: the new provider takes over unless that could send a second copy."""

from datetime import timedelta

import pytest

from emails.models import DeliveryAttempt, OutboundEmail, Reason, Status
from emails.monitoring import report
from emails.tests.conftest import PROVIDERS
from emails.tests.support.clock import travel

CHANGES = [(old, new) for old in PROVIDERS for new in PROVIDERS if old != new]


@pytest.fixture(params=CHANGES, ids="-to-".join)
def switch_provider(request, use_provider):
    """Deliver through the old provider, and return a function that switches to the new one and returns both names."""
    old, new = request.param
    use_provider(old)

    def switch_to_new() -> tuple[str, str]:
        use_provider(new)
        return old, new

    return switch_to_new


def by_provider(status: str) -> list[str]:
    return sorted(OutboundEmail.objects.filter(status=status).values_list("provider", flat=True))


@pytest.mark.parametrize("trouble", ["503", "401", "429;retry-after=3600", "cut-before-body"])
def test_refused_email_moves_to_new_provider(switch_provider, provider_api, queue_emails, deliver, settings, trouble):
    queue_emails(3)
    if trouble == "cut-before-body":
        settings.RESEND_API_URL = settings.SEQUENZY_API_URL = settings.SENDGRID_API_URL = "http://127.0.0.1:1"
    provider_api.default = "ok" if trouble == "cut-before-body" else trouble
    deliver()
    provider_api.default = "ok"
    _, new = switch_provider()
    travel(timedelta(minutes=2))
    deliver()
    assert by_provider(Status.SENT) == [new] * 3
    assert report().is_healthy, "the state of the old provider no longer matters"


def test_possibly_accepted_email_stays_with_old_provider(switch_provider, provider_api, queue_emails, deliver):
    queue_emails()
    provider_api.faults = ["cut-after"]
    deliver()
    old, new = switch_provider()
    queue_emails(2)
    travel(timedelta(minutes=6))
    deliver()
    assert by_provider(Status.SENT) == sorted([old, new, new])
    assert [bytes(body) for body in provider_api.bodies].count(provider_api.bodies[0]) == 2


def test_unknown_attempt_expires_without_the_old_key(switch_provider, provider_api, queue_emails, deliver, settings):
    queue_emails()
    provider_api.faults = ["cut-after"]
    deliver()
    old, _ = switch_provider()
    setattr(settings, f"{old.upper()}_API_KEY", "")
    travel(timedelta(hours=20))
    deliver()
    assert (by_provider(Status.SENDING), report().providers[old]["state"]) == ([old], "misconfigured")
    travel(timedelta(days=14))
    deliver()
    row = OutboundEmail.objects.get()
    assert (row.status, row.reason) == (Status.FAILED, Reason.OUTCOME_UNKNOWN)
    assert DeliveryAttempt.objects.get().outcome == "abandoned"
    assert old not in report().providers
