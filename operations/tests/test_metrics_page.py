"""/metrics as a whole: its documentation, its limits, and what happens if a part of it fails."""

import re
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.test import Client

from billing.models import StripeEvent
from common.db import database_now
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState
from operations.metrics import collector, outbox
from operations.tests.support.scraping import TOKEN, pass_time, scrape, value
from tests.support.stack import ROOT

pytestmark = pytest.mark.django_db
IN_PROCESS = {"webhook_responses", "rate_limit_refusals", "rate_limit_fallbacks", "cache_unavailable"}
ROW = re.compile(r"^\| `(\w+)` \| (\w+)(, process)? \|", re.MULTILINE)


@pytest.fixture(autouse=True)
def token(settings, outbox):
    settings.METRICS_TOKEN = TOKEN


def page() -> str:
    return Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()


def test_documentation_lists_every_metric():
    documented = {name: type_ for name, type_, _ in ROW.findall((ROOT / "docs" / "metrics.md").read_text())}
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", page(), re.MULTILINE))
    ours = {name: type_ for name, type_ in types.items() if not name.startswith(("process_", "python_"))}
    assert documented == {name: type_ for name, type_ in ours.items() if not name.endswith("_created")}


def test_failing_part_leaves_the_others(monkeypatch):
    def fail():
        raise ValueError("a bug")

    monkeypatch.setitem(collector.SOURCES, "stripe", fail)
    assert value("metrics_source_failed", source="stripe") == 1
    assert value("metrics_source_failed", source="outbox") == 0
    assert value("celery_workers") == 0


def test_page_responds_without_a_database():
    def refuse(*_):
        calls.append(1)
        raise OperationalError("the connection is refused")

    calls: list[int] = []
    with connection.execute_wrapper(refuse):
        found = scrape()
    failed = {labels: number for (name, labels), number in found.items() if name == "metrics_source_failed"}
    assert set(failed.values()) == {1}
    assert len(failed) == len(collector.SOURCES)
    assert len(calls) == 1  # the other parts would wait for the same database


def test_page_contains_no_personal_data(queue_emails, deliver):
    [email] = queue_emails(1, metadata={"user_id": "user-ada"}, idempotency_key="key-ada")
    deliver()
    text = page()
    assert [secret for secret in ("@", "-ada", str(email.pk), "Hello", TOKEN) if secret in text] == []


def test_queued_emails_count_by_priority(queue_emails):
    queue_emails(2, priority=0)
    queue_emails(3, priority=2)
    queue_emails(1, priority=2, send_at=database_now() + timedelta(days=1))
    found = {name: value("emails_queued", priority=name) for name in ("waiting", "normal", "bulk")}
    assert found == {"waiting": 2, "normal": 0, "bulk": 4}


def test_large_backlog_is_counted_to_a_limit(queue_emails, monkeypatch):
    monkeypatch.setattr(outbox, "MAX_COUNTED", 2)
    queue_emails(3)
    assert value("emails_queued", priority="normal") == 2


def age(priority: str = "normal") -> float:
    return value("emails_oldest_unsent_seconds", priority=priority)


def test_age_begins_when_an_email_is_due(queue_emails):
    queue_emails(1, send_at=database_now() + timedelta(hours=1))
    assert age() == 0
    pass_time(timedelta(hours=1, minutes=10))
    assert 600 <= age() < 660
    assert age("waiting") == 0


def test_age_continues_while_an_email_is_retried(queue_emails, deliver, provider_api):
    provider_api.defaults = {"resend": "503"}
    queue_emails(1)
    deliver()
    OutboundEmail.objects.update(due_at=Now() + timedelta(hours=3))
    pass_time(timedelta(hours=1))
    assert 3600 <= age() < 3660


def test_age_covers_calls_without_an_outcome(queue_emails, deliver, provider_api):
    provider_api.defaults = {"resend": "500"}
    queue_emails(1)
    deliver()
    assert DeliveryAttempt.objects.filter(settled_at=None).exists()
    pass_time(timedelta(hours=1))
    assert 3600 <= age() < 3660


def test_age_covers_emails_of_a_dead_worker(queue_emails):
    queue_emails(1)
    OutboundEmail.objects.claim(limit=1, now=database_now(), lease=timedelta(minutes=1), status="sending")
    assert age() == 0
    pass_time(timedelta(minutes=11))
    assert 600 <= age() < 660


@pytest.mark.parametrize("fault", ["401", "503", "429"])
def test_provider_has_one_state(queue_emails, deliver, provider_api, fault):
    state = {"401": "misconfigured", "503": "open", "429": "paused"}[fault]
    provider_api.defaults = {"resend": fault}
    assert value("email_provider_state", provider="resend", state="ok") == 1
    for _ in range(6):
        queue_emails(1)
        deliver()
        OutboundEmail.objects.filter(due_at__isnull=False).update(due_at=Now())
    assert value("email_provider_state", provider="resend", state=state) == 1
    assert value("email_provider_state", provider="resend") == 1


def test_failover_is_shown_for_the_first_provider(fail_over):
    fail_over()
    assert value("email_fallback_active", provider="resend") == 1
    assert ProviderState.objects.get(pk="resend").failed_over_at is not None


def test_stripe_events_count_by_status():
    now = database_now()
    for number, (status, minutes) in enumerate([("received", 7), ("failed", -30), ("failed", -40)]):
        StripeEvent.objects.create(
            id=f"evt_{number}",
            type="x",
            livemode=False,
            body="{}",
            created_at=now,
            status=status,
            due_at=now - timedelta(minutes=minutes),
        )
    assert value("stripe_events_unprocessed", status="received") == 1
    assert value("stripe_events_unprocessed", status="failed") == 2
    assert 420 <= value("stripe_events_overdue_seconds") < 480


def test_several_processes_add_up_and_the_database_counts_once(tmp_path):
    code = (
        "import django; django.setup(); from prometheus_client import generate_latest; "
        "from myproject.metrics import registry; from operations.metrics import collector; "
        "text = (generate_latest(registry()) + generate_latest(collector.registry())).decode(); "
        "print(text.count('# TYPE celery_workers gauge'))"
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "settings.test",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
    }
    command = [sys.executable, "-c", code]
    shown = subprocess.check_output(command, cwd=ROOT, env=environment, text=True, stderr=subprocess.DEVNULL)
    assert shown.strip() == "0"  # no table, so the part fails, and the page still responds
