"""The provider's rate is one number for all workers; quota answers park the mail instead of failing it."""

import time
from datetime import timedelta
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


@pytest.mark.parametrize(("provider", "calls"), [("sequenzy", 8), ("sendgrid", 8), ("resend", 3)])
def test_calls_are_evenly_spaced(api, outbox, queue, deliver, settings, provider, calls):
    settings.EMAIL_RATE_PER_SECOND = 10.0
    outbox(provider)
    queue(300 if provider == "resend" else calls)
    started = time.monotonic()
    deliver()
    took = time.monotonic() - started
    assert len(api.arrivals) == calls
    assert took >= (calls - 1) / (10 * pacing.SHARE) - 0.02
    gaps = [later - earlier for earlier, later in pairwise(api.arrivals)]
    print(f"{provider}: gaps of {min(gaps) * 1000:.0f} to {max(gaps) * 1000:.0f} ms, 108 wanted")
    assert min(gaps) > 0.05


@pytest.mark.parametrize(
    ("provider", "ceiling", "told", "expected"),
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
def test_which_rate_holds(db, outbox, settings, provider, ceiling, told, expected):
    outbox(provider)
    settings.EMAIL_RATE_PER_SECOND = ceiling
    state = ProviderState(name=provider, rate=told)
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
def test_the_rate_is_learnt_from_headers(api, queue, deliver, headers, rate):
    queue()
    api.faults = [Reply(200, {"id": "1"}, headers)]
    deliver()
    assert state_of("resend").rate == rate


def test_slots_of_two_workers_never_coincide(db, settings):
    """Two hold the same stale row; each call gets a slot of its own all the same."""
    interval = timedelta(seconds=1)
    one, two = state_of("resend"), state_of("resend")
    slots = [
        *pacing.take_slots(one, interval, 2),
        *pacing.take_slots(two, interval, 2),
        *pacing.take_slots(one, interval, 1),
    ]
    gaps = [later - earlier for earlier, later in pairwise(slots)]
    assert all(abs(gap - 1) < 0.05 for gap in gaps)


def test_a_clock_that_was_set_back_stops_nobody(db):
    state_of("resend")
    ProviderState.objects.update(next_slot_at=database_now() + timedelta(hours=5))
    assert pacing.slots_near(state_of("resend"), timedelta(seconds=1)).free == 1


def test_sendgrid_is_left_alone_until_its_reset(api, outbox, queue, deliver):
    outbox("sendgrid")
    queue()
    reset = str(int(time.time()) + 30)
    api.faults = [Reply(202, b"", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset, "X-Message-Id": "1"})]
    deliver()
    queue()
    deliver()
    assert api.calls == 1
    travel(timedelta(seconds=31))
    deliver()
    assert api.calls == 2


def test_a_short_pause_is_waited_out(api, queue, deliver):
    queue()
    api.faults = ["429;retry-after=1"]
    deliver()
    assert OutboundEmail.objects.get().status == Status.SENT
    assert 1 <= api.arrivals[1] - api.arrivals[0] < 2


def test_a_limit_without_a_word_of_how_long_is_waited_for_longer_each_time(api, outbox, queue, deliver):
    outbox("sequenzy")
    queue(3)
    api.default = "429"
    pauses = []
    for _ in range(6):
        deliver()
        state = state_of("sequenzy")
        assert state.paused_until
        pauses.append(round((state.paused_until - state.now).total_seconds()))
        travel(timedelta(seconds=pauses[-1] + 1))
    assert pauses == [4, 8, 16, 32, 60, 60]  # the first, of 2 s, was waited out
    api.default = "ok"
    deliver()
    assert (state_of("sequenzy").failures, len(api.accepted)) == (0, 3)


QUOTA_ANSWERS = [
    ("resend", Reply(429, {"name": "daily_quota_exceeded", "message": "x"}, {"ratelimit-reset": "1"})),
    ("resend", Reply(429, {"name": "monthly_quota_exceeded", "message": "x"})),
    ("sendgrid", Reply(401, {"errors": [{"message": "Maximum credits exceeded", "field": None}]})),
    ("sequenzy", Reply(429, {"success": False, "error": "Monthly limit reached"})),
]


@pytest.mark.parametrize(("provider", "answer"), QUOTA_ANSWERS)
def test_a_used_up_quota_parks_the_mail_for_days_if_need_be(api, outbox, queue, deliver, provider, answer):
    outbox(provider)
    (row,) = queue()
    api.default = answer
    for _ in range(80):
        deliver()
        travel(timedelta(hours=1))
    row.refresh_from_db()
    assert (row.status, row.reason) == (Status.QUEUED, "quota")
    assert api.calls <= 81, "one probe an hour"
    assert report().providers[provider]["state"] == "over_quota"
    assert "quota" in explain(row).sentence
    api.default = "ok"
    deliver()
    row.refresh_from_db()
    assert row.status == Status.SENT
