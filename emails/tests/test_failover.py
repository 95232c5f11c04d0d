"""Failover: a second provider carries email while the first can't be used, and nothing is lost or sent twice."""

from collections import Counter
from datetime import timedelta

import pytest

from emails import contacts
from emails.models import ContactChange, OutboundEmail, Priority, ProviderState, Status
from emails.tests.conftest import PROVIDERS
from emails.tests.support.clock import travel
from emails.tests.support.provider_rules import Reply
from emails.tests.support.sent import sent_by
from emails.tracking.suppressions import suppress

QUOTA = Reply(429, {"name": "daily_quota_exceeded", "message": "You have reached your daily email quota."})
FAULTS = ["503", "503;retry-after=120", "401", QUOTA]
SECOND = timedelta(seconds=1)


def copies(provider_api) -> set[int]:
    return set(Counter(email.recipients[0] for email in provider_api.accepted).values())


def first_state(name: str = "resend") -> ProviderState:
    return ProviderState.objects.get(pk=name)


@pytest.mark.parametrize(
    ("first", "second", "fault"),
    [
        *(("resend", "sendgrid", fault) for fault in FAULTS),
        ("sendgrid", "sequenzy", "503"),
        ("sequenzy", "resend", "401"),
    ],
)
def test_second_provider_takes_over_and_first_comes_back(
    fail_over, provider_api, queue_emails, deliver, live_through, first, second, fault
):
    fail_over(first, second, fault)
    assert sent_by() == {second: 6}
    provider_api.defaults = {}
    live_through(timedelta(minutes=6 if fault is QUOTA else 2))
    queue_emails(1)
    deliver()
    queue_emails(3)
    deliver()
    assert sent_by() == {first: 4, second: 6}
    assert first_state(first).failed_over_at is None


def test_nothing_fails_over_before_the_time_is_up(use_two, provider_api, queue_emails, deliver, live_through):
    use_two()
    provider_api.defaults = {"resend": "401"}
    queue_emails(3)
    deliver()
    live_through(timedelta(minutes=4, seconds=45))
    assert sent_by() == {}
    live_through(timedelta(seconds=30))
    assert sent_by() == {"sendgrid": 3}


def test_time_until_failover_is_a_setting(use_two, provider_api, queue_emails, deliver, live_through, settings):
    use_two()
    settings.EMAIL_FALLBACK_AFTER_SECONDS = 20
    provider_api.defaults = {"resend": "401"}
    queue_emails(3)
    deliver()
    live_through(timedelta(seconds=30))
    assert sent_by() == {"sendgrid": 3}


def test_few_emails_fail_over_in_time(use_two, provider_api, queue_emails, deliver, live_through, settings):
    """One batch every 15 seconds would take more than a minute to open the breaker."""
    use_two()
    settings.EMAIL_FALLBACK_AFTER_SECONDS = 20
    provider_api.defaults = {"resend": "503"}
    queue_emails(2)
    deliver()
    live_through(timedelta(seconds=45))
    assert sent_by() == {"sendgrid": 2}


def test_single_error_does_not_fail_over(use_two, provider_api, queue_emails, deliver, caplog):
    use_two()
    provider_api.faults = ["503"]
    queue_emails(1)
    deliver()
    travel(timedelta(minutes=10))
    deliver()
    assert sent_by() == {"resend": 1}
    assert "carries emails" not in caplog.text


def test_renewed_pause_does_not_reset_the_time(use_two, provider_api, queue_emails, deliver, live_through):
    use_two()
    queue_emails(1)
    for fault in ("401", "503", QUOTA, "429", "401"):
        provider_api.defaults = {"resend": fault}
        deliver()
        live_through(timedelta(seconds=75))
    assert sent_by() == {"sendgrid": 1}


def test_missing_key_of_the_first_provider_fails_over(use_two, queue_emails, deliver, live_through, settings):
    use_two()
    settings.RESEND_API_KEY = ""
    queue_emails(3)
    deliver()
    live_through(timedelta(minutes=6))
    assert sent_by() == {"sendgrid": 3}
    settings.RESEND_API_KEY = "key-of-resend"
    queue_emails(3)
    deliver()
    queue_emails(1)
    deliver()
    assert sent_by()["resend"] >= 2
    assert first_state().failed_over_at is None


def test_rate_limit_alone_does_not_fail_over(use_two, provider_api, queue_emails, deliver, live_through):
    use_two()
    provider_api.defaults = {"resend": "429;retry-after=30"}
    queue_emails(3)
    deliver()
    live_through(timedelta(minutes=10))
    assert sent_by() == {}


def test_without_fallback_everything_waits(use_provider, provider_api, queue_emails, deliver, live_through, settings):
    use_provider("resend")
    provider_api.defaults = {"resend": "401"}
    queue_emails(3)
    deliver()
    live_through(timedelta(minutes=10))
    assert sent_by() == {}


@pytest.mark.parametrize(
    ("first", "is_key_missing"), [("sequenzy", False), ("resend", False), ("sendgrid", False), ("resend", True)]
)
def test_unknown_attempt_stays_with_the_first_provider(
    use_two, provider_api, queue_emails, deliver, live_through, settings, first, is_key_missing
):
    use_two(first, "resend" if first == "sendgrid" else "sendgrid")
    [unknown] = queue_emails(1)
    provider_api.faults = ["cut-after"]
    deliver()
    provider_api.defaults = {first: "503"}
    if is_key_missing:
        setattr(settings, f"{first.upper()}_API_KEY", "")
    queue_emails(5, to=["other@example.com"])
    deliver()
    live_through(timedelta(minutes=7))
    unknown.refresh_from_db()
    assert (unknown.status, unknown.provider) == (Status.SENDING, first)
    assert len(sent_by()) == 1
    provider_api.defaults = {}
    setattr(settings, f"{first.upper()}_API_KEY", f"key-of-{first}")
    live_through(timedelta(minutes=6))
    unknown.refresh_from_db()
    assert (unknown.status, unknown.provider) == (Status.SENT, first)


def test_probe_of_unknown_outcome_stays_and_no_second_one_follows(fail_over, provider_api, queue_emails, live_through):
    """SendGrid has no idempotency keys, so a probe without an answer can't be repeated for five minutes."""
    fail_over("sendgrid", "resend")
    provider_api.defaults = {"sendgrid": "500"}
    for _ in range(6):
        queue_emails(2)
        live_through(timedelta(seconds=30))
    assert OutboundEmail.objects.filter(status=Status.SENDING, provider="sendgrid").count() == 1
    assert sent_by()["resend"] == 6 + 12 - 1


@pytest.mark.parametrize("first", PROVIDERS)
def test_call_that_always_breaks_does_not_prevent_the_return(
    fail_over, provider_api, queue_emails, live_through, first
):
    """The repeat of one unknown call fails forever, although the provider works again."""
    fail_over(first, "resend" if first == "sendgrid" else "sendgrid")
    provider_api.defaults = {first: "500"}
    queue_emails(1, to=["broken@example.com"])
    live_through(timedelta(seconds=30))
    provider_api.defaults = {}
    provider_api.broken = {"broken@example.com"}
    for _ in range(6):
        queue_emails(1)
        live_through(timedelta(minutes=1))
    assert first_state(first).failed_over_at is None


def test_unknown_probe_of_a_provider_with_keys_is_the_next_probe(fail_over, provider_api, queue_emails, live_through):
    fail_over("resend", "sendgrid")
    provider_api.defaults = {"resend": "cut-after"}
    for _ in range(6):
        queue_emails(2)
        live_through(timedelta(seconds=30))
    assert OutboundEmail.objects.filter(status=Status.SENDING, provider="resend").count() == 1
    provider_api.defaults = {}
    live_through(timedelta(seconds=45))
    assert sent_by() == {"sendgrid": 6 + 12 - 1, "resend": 1}
    assert Counter(email.provider for email in provider_api.accepted) == sent_by()


def test_probe_takes_the_least_urgent_email(fail_over, provider_api, queue_emails, live_through):
    fail_over()
    provider_api.defaults = {"resend": "cut-after"}
    emails = [queue_emails(1, priority=priority)[0] for priority in Priority]
    live_through(timedelta(seconds=30))
    carried = {email.priority: email.provider for email in OutboundEmail.objects.filter(pk__in=[e.pk for e in emails])}
    assert carried == {Priority.WAITING: "sendgrid", Priority.NORMAL: "sendgrid", Priority.BULK: "resend"}


def test_sparse_emails_are_probes_too(fail_over, provider_api, queue_emails, deliver, live_through):
    """A sweep that finds nothing to send must not use up the time until the next probe."""
    fail_over()
    provider_api.defaults = {}
    live_through(timedelta(minutes=10))
    assert first_state().failed_over_at is not None
    travel(7 * SECOND)
    queue_emails(1)
    deliver()
    assert first_state().failed_over_at is None


def test_second_provider_without_a_key_loses_nothing(use_two, provider_api, queue_emails, live_through, settings):
    use_two()
    settings.SENDGRID_API_KEY = ""
    provider_api.defaults = {"resend": "503"}
    queue_emails(3)
    live_through(timedelta(minutes=10))
    assert set(OutboundEmail.objects.values_list("status", flat=True)) == {Status.QUEUED}
    provider_api.defaults = {}
    live_through(timedelta(minutes=2))
    assert sent_by() == {"resend": 3}


def test_both_providers_down_lose_nothing(fail_over, provider_api, queue_emails, live_through):
    fail_over()
    provider_api.defaults = {"resend": "503", "sendgrid": "503"}
    queue_emails(30, to=["late@example.com"])
    live_through(timedelta(minutes=5))
    provider_api.defaults = {"resend": "503"}
    live_through(timedelta(minutes=2))
    assert sent_by() == {"sendgrid": 36}


def test_suppressed_address_gets_nothing_from_the_second(fail_over, provider_api, queue_emails, live_through):
    fail_over()
    suppress("gone@example.com", cause="complaint")
    [email] = queue_emails(1, to=["gone@example.com"])
    live_through(timedelta(minutes=1))
    email.refresh_from_db()
    assert email.status == Status.SUPPRESSED


def test_outage_with_lost_responses_sends_everything_once(use_two, provider_api, queue_emails, deliver, live_through):
    use_two("resend", "sequenzy")
    for number in range(20):
        queue_emails(4, to=[f"{number}@example.com"])
        if number % 7 == 3:
            provider_api.faults = ["cut-after", "500-after", "timeout-after"]
        provider_api.defaults = {"resend": "503"} if 3 <= number < 15 else {}
        live_through(timedelta(minutes=1))
    provider_api.faults = []
    live_through(timedelta(minutes=5))
    assert set(OutboundEmail.objects.values_list("status", flat=True)) == {Status.SENT}
    assert copies(provider_api) == {4}
    assert set(sent_by()) == {"resend", "sequenzy"}


def test_contact_changes_never_fail_over(fail_over, provider_api, queue_emails, live_through, settings):
    settings.CONTACTS_SYNC = True
    fail_over("sequenzy", "resend", "503")
    contacts.add_tag("ada@example.com", "pro")
    live_through(timedelta(minutes=2))
    assert ContactChange.objects.get().status == Status.QUEUED
    provider_api.defaults = {}
    queue_emails(1)
    live_through(timedelta(minutes=1))
    change = ContactChange.objects.get()
    assert (change.status, change.provider) == (Status.SENT, "sequenzy_contacts")


def test_second_provider_gets_no_contacts_of_the_first(fail_over, settings):
    settings.CONTACTS_SYNC = True
    fail_over("resend", "sequenzy")
    contacts.add_tag("ada@example.com", "pro")
    assert not ContactChange.objects.filter(provider="sequenzy").exists()


def test_contact_change_that_succeeds_does_not_end_the_failover(fail_over, deliver, settings, provider_api):
    """Sequenzy's quota for emails doesn't concern contacts."""
    settings.CONTACTS_SYNC = True
    fail_over("sequenzy", "resend", "401")
    provider_api.defaults = {}
    contacts.add_tag("ada@example.com", "pro")
    travel(60 * SECOND)
    deliver()
    assert first_state("sequenzy").failed_over_at is not None
