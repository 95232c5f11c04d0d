"""The provider's rate, which all workers share, and quota errors, which keep email queued instead of failing it."""

import time
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from common.db import database_now
from emails.backends import get_backend
from emails.delivery import pacing
from emails.models import OutboundEmail, ProviderState, Status
from emails.monitoring import report
from emails.support.explanations import explain
from emails.tests.support.clock import travel
from emails.tests.support.provider_rules import Reply


def state_of(provider: str) -> ProviderState:
    return next(state for state in ProviderState.objects.with_rows_for(provider) if state.name == provider)


@pytest.fixture
def slots(monkeypatch) -> list[tuple[datetime, float]]:
    """Every slot that is taken, in the time of the database and of ``time.monotonic()``."""
    taken: list[tuple[datetime, float]] = []
    take_slots = pacing.take_slots

    def take(state: ProviderState, interval: timedelta, count: int) -> list[float]:
        moments = take_slots(state, interval, count)
        assert state.next_slot_at
        taken.extend((state.next_slot_at - (count - number) * interval, at) for number, at in enumerate(moments))
        return moments

    monkeypatch.setattr(pacing, "take_slots", take)
    return taken


@pytest.mark.parametrize(("provider", "calls"), [("sequenzy", 8), ("sendgrid", 8), ("resend", 3)])
def test_calls_are_evenly_spaced(provider_api, use_provider, queue_emails, deliver, settings, slots, provider, calls):
    """Slots are evenly spaced, and no call starts before its slot. benchmarks/rate_limit.py measures the calls."""
    settings.EMAIL_RATE_PER_SECOND = 10.0
    use_provider(provider)
    queue_emails(300 if provider == "resend" else calls)
    deliver()
    assert len(provider_api.arrivals) == calls
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(sorted(slots))]
    assert min(gaps) >= timedelta(seconds=1 / (10 * pacing.SHARE))
    moments = sorted(at for _, at in slots)
    assert all(arrival >= at for arrival, at in zip(provider_api.arrivals, moments, strict=False))


@pytest.mark.parametrize(
    ("provider", "ceiling", "hint", "expected"),
    [
        ("resend", None, None, 2),
        ("resend", None, 5, 5),
        ("resend", 5, None, 5),
        ("resend", 10, 5, 5),
        ("resend", 5, 10, 5),
        ("resend", 0, 5, None),
        ("sequenzy", None, None, 100 / 60),
        ("sendgrid", None, None, None),
        ("sendgrid", 50, None, 50),
    ],
)
def test_effective_rate_combines_setting_and_hint(db, use_provider, settings, provider, ceiling, hint, expected):
    use_provider(provider)
    settings.EMAIL_RATE_PER_SECOND = ceiling
    state = ProviderState(name=provider, rate=hint)
    interval = pacing.interval_of(state, get_backend(provider))
    assert interval == (None if expected is None else timedelta(seconds=1 / (expected * pacing.SHARE)))


@pytest.mark.parametrize(
    ("headers", "rate"),
    [
        ({"ratelimit-limit": "10"}, 10),
        ({"x-ratelimit-limit": "4"}, 4),
        ({"ratelimit-limit": "5, 5;w=1"}, 5),
        ({"ratelimit-limit": "0"}, None),
        ({"ratelimit-limit": "many"}, None),
        ({}, None),
    ],
)
def test_rate_is_learned_from_headers(provider_api, queue_emails, deliver, headers, rate):
    queue_emails()
    provider_api.faults = [Reply(200, {"id": "1"}, headers)]
    deliver()
    assert state_of("resend").rate == rate


def test_workers_never_share_a_slot(db, settings, slots, monkeypatch):
    """Two workers hold the same stale row, but each call still gets its own slot."""
    monkeypatch.setattr(pacing, "present", lambda state: state.now)  # no time passes
    interval = timedelta(seconds=1)
    one, two = state_of("resend"), state_of("resend")
    pacing.take_slots(one, interval, 2)
    pacing.take_slots(two, interval, 2)
    pacing.take_slots(one, interval, 1)
    assert [later - earlier for (earlier, _), (later, _) in pairwise(slots)] == [interval] * 4


def test_clock_set_back_does_not_block_sending(db):
    state_of("resend")
    ProviderState.objects.update(next_slot_at=database_now() + timedelta(hours=5))
    assert pacing.slots_near(state_of("resend"), timedelta(seconds=1)).free == 1


def test_sendgrid_waits_for_its_rate_reset(provider_api, use_provider, queue_emails, deliver):
    use_provider("sendgrid")
    queue_emails()
    reset = str(int(time.time()) + 30)
    provider_api.faults = [
        Reply(202, b"", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset, "X-Message-Id": "1"})
    ]
    deliver()
    queue_emails()
    deliver()
    assert provider_api.calls == 1
    travel(timedelta(seconds=31))
    deliver()
    assert provider_api.calls == 2


def test_short_pause_is_waited_out(provider_api, queue_emails, deliver):
    queue_emails()
    provider_api.faults = ["429;retry-after=1"]
    deliver()
    assert OutboundEmail.objects.get().status == Status.SENT
    assert provider_api.arrivals[1] - provider_api.arrivals[0] >= 1, (
        "no call comes too early, however busy the machine is"
    )


def test_pause_without_retry_after_grows_each_time(provider_api, use_provider, queue_emails, deliver):
    use_provider("sequenzy")
    queue_emails(3)
    provider_api.default = "429"
    pauses = []
    for _ in range(6):
        deliver()
        state = state_of("sequenzy")
        assert state.paused_until
        pauses.append(round((state.paused_until - state.now).total_seconds()))
        travel(timedelta(seconds=pauses[-1] + 1))
    assert pauses == [4, 8, 16, 32, 60, 60]  # the first pause, of 2 s, was waited out within the drain
    provider_api.default = "ok"
    deliver()
    assert (state_of("sequenzy").failures, len(provider_api.accepted)) == (0, 3)


QUOTA_RESPONSES = [
    ("resend", Reply(429, {"name": "daily_quota_exceeded", "message": "x"}, {"ratelimit-reset": "1"})),
    ("resend", Reply(429, {"name": "monthly_quota_exceeded", "message": "x"})),
    ("sendgrid", Reply(401, {"errors": [{"message": "Maximum credits exceeded", "field": None}]})),
    ("sequenzy", Reply(429, {"success": False, "error": "Monthly limit reached"})),
]


@pytest.mark.parametrize(("provider", "response"), QUOTA_RESPONSES)
def test_exhausted_quota_keeps_email_queued_for_days(
    provider_api, use_provider, queue_emails, deliver, provider, response
):
    use_provider(provider)
    (row,) = queue_emails()
    provider_api.default = response
    for _ in range(80):
        deliver()
        travel(timedelta(hours=1))
    row.refresh_from_db()
    assert (row.status, row.reason) == (Status.QUEUED, "quota")
    assert provider_api.calls <= 81, "one probe an hour"
    assert report().providers[provider]["state"] == "over_quota"
    assert "quota" in explain(row).sentence
    provider_api.default = "ok"
    deliver()
    row.refresh_from_db()
    assert row.status == Status.SENT
