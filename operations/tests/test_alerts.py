"""Each alert rule fires if what it watches breaks, and none fires in a healthy hour."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.db.models.functions import Now

from billing.models import StripeEvent
from billing.tests.support.stripe_events import SECRET
from billing.webhook import handlers
from common import cache
from common.windows import Window, seconds_to_wait
from emails.models import OutboundEmail
from operations.models import Role
from operations.tests.support.monitoring import STEP, Life
from operations.tests.support.scraping import TOKEN
from tests.support.alert_rules import FILE, promtool_test, rules
from tests.support.stack import ROOT, free_port

pytestmark = pytest.mark.django_db

HOUR = 60  # minutes
LONG = 30
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Prometheus's promtool on the PATH")
NAMES = [rule.name for rule in rules()]

Break = Callable[..., None]
BREAKS: dict[str, tuple[int, Break]] = {}  # by alert: for how many minutes it is broken, and how


@pytest.fixture
def life(settings, outbox, queue_emails, deliver, webhook_sender_for):
    """Provide a healthy site that has been watched for some minutes."""
    settings.METRICS_TOKEN, settings.STRIPE_WEBHOOK_SECRETS = TOKEN, [SECRET]
    cache.OUTAGE.set(0)  # it belongs to the process, and another test may have left it
    life = Life(queue_emails, deliver, webhook_sender_for("resend"))
    life.live(4)
    return life


@pytest.fixture
def context(settings, provider_api, monkeypatch):
    """Provide what a break may need besides the site."""
    return {"settings": settings, "provider_api": provider_api, "monkeypatch": monkeypatch}


def breaks(alert: str, minutes: int) -> Callable[[Break], Break]:
    """Register the function that breaks what the alert watches. It runs before these minutes begin."""

    def register(function: Break) -> Break:
        BREAKS[alert] = (minutes, function)
        return function

    return register


def test_nothing_fires_in_a_healthy_hour(life):
    life.live(HOUR)
    assert life.prometheus.fired == set()


@needs_promtool
def test_prometheus_itself_finds_the_rules_valid():
    assert run_promtool("check", "rules", str(FILE)) == ""


@needs_promtool
@pytest.mark.slow
@pytest.mark.parametrize("alert", ["NoBeat", "EmailProviderRefuses", "EmailBounceRateHigh", "WebhooksFail"])
def test_prometheus_itself_fires_the_same_alerts(alert, life, context, tmp_path):
    minutes, function = BREAKS[alert]
    function(life, **context)
    assert alert in life.live(minutes)
    test = promtool_test(life.prometheus.samples, STEP, life.prometheus.time, life.prometheus.firing)
    (tmp_path / "test.yml").write_text(json.dumps(test))
    assert run_promtool("test", "rules", str(tmp_path / "test.yml")) == ""
    test["tests"][0]["promql_expr_test"][0]["exp_samples"].pop()
    (tmp_path / "test.yml").write_text(json.dumps(test))
    assert "FAILED" in run_promtool("test", "rules", str(tmp_path / "test.yml"))


def test_every_rule_has_a_break():
    assert sorted(BREAKS) == sorted(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("alert", NAMES)
def test_rule_fires_if_what_it_watches_breaks(alert, life, context):
    minutes, function = BREAKS[alert]
    assert life.prometheus.fired == set()
    if minutes > LONG:
        life.step = 2 * STEP
    function(life, **context)
    assert alert in life.live(minutes)


def test_alerts_end_when_all_is_well_again(life, provider_api):
    provider_api.defaults = {"resend": "401"}
    life.workers = life.beats = 0
    assert {"NoWorker", "NoBeat", "EmailProviderRefuses"} <= life.live(6)
    provider_api.defaults = {}
    life.workers = life.beats = 1
    OutboundEmail.objects.filter(due_at__isnull=False).update(due_at=Now())
    assert life.live(6) == set()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_rule_has_a_section_that_says_what_to_do(rule):
    page, _, anchor = rule.runbook.partition("#")
    assert anchor == rule.name.lower()
    sections = re.split(r"^### ", (ROOT / page).read_text(), flags=re.MULTILINE)[1:]
    [section] = [text for text in sections if text.split("\n", 1)[0].lower() == anchor]
    for part in ("**Means.** ", "**Look at.** ", "**Do.** "):
        assert section.count(part) == 1, f"{rule.name} has no {part}"


def test_every_section_has_a_rule():
    sections = re.findall(r"^### (\w+)$", (ROOT / "docs" / "alerts.md").read_text(), flags=re.MULTILINE)
    assert sections == NAMES


def test_rules_use_only_metrics_that_exist(life):
    scraped = {name for name, _ in life.prometheus.samples.series}
    used = set(re.findall(r"\b((?:celery|email|emails|stripe|webhook|rate|cache|metrics)_\w+)", FILE.read_text()))
    assert used - scraped == set()


def run_promtool(*arguments: str) -> str:
    """Return what promtool complains about."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


# The site and its processes


@breaks("SiteDown", 4)
def refuse_scrapes(life: Life, settings, **_: object) -> None:
    settings.METRICS_TOKEN = "another token"


@breaks("MetricsIncomplete", 4)
def take_database_away(life: Life, **_: object) -> None:
    scrape = life.prometheus.scrape

    def refuse(*_: object) -> None:
        raise OperationalError("the connection is refused")

    def scrape_without_database(passed: timedelta) -> None:
        with connection.execute_wrapper(refuse):
            scrape(passed)

    life.prometheus.scrape = scrape_without_database  # type: ignore[method-assign]


@breaks("NoWorker", 4)
def stop_workers(life: Life, **_: object) -> None:
    life.workers = 0


@breaks("WorkersStuck", 4)
def let_workers_hang(life: Life, **_: object) -> None:
    life.idle_for[Role.WORKER] = timedelta(minutes=6)


@breaks("NoBeat", 4)
def stop_beat(life: Life, **_: object) -> None:
    life.beats = 0


@breaks("BeatStuck", 4)
def let_beat_hang(life: Life, **_: object) -> None:
    life.idle_for[Role.BEAT] = timedelta(minutes=6)


@breaks("SeveralBeats", 12)
def start_second_beat(life: Life, **_: object) -> None:
    life.beats = 2


@breaks("RateLimitsWithoutRedis", 4)
def remove_redis(life: Life, settings, **_: object) -> None:
    redis = {"BACKEND": "common.cache.FailOpenRedisCache", "LOCATION": f"redis://127.0.0.1:{free_port()}/0"}
    settings.CACHES = {"default": redis}
    deliver = life.deliver

    def deliver_and_limit() -> int:
        seconds_to_wait([Window("login", "login", "client:127.0.0.1")])
        return deliver()

    life.deliver = deliver_and_limit


@breaks("TotalsStale", 18)
def stop_counting(life: Life, **_: object) -> None:
    life.is_counting = False


# Emails that don't leave


@breaks("EmailsPeopleWaitForLate", 6)
def leave_codes(life: Life, **_: object) -> None:
    life.priority, life.is_delivering = 0, False


@breaks("EmailsLate", 10)
def leave_emails(life: Life, **_: object) -> None:
    life.is_delivering = False


@breaks("BulkEmailsLate", 12)
def leave_bulk_emails(life: Life, **_: object) -> None:
    life.priority, life.is_delivering = 2, False
    life.live(2)
    OutboundEmail.objects.update(due_at=F("due_at") - timedelta(hours=6))


@breaks("EmailProviderRefuses", 4)
def revoke_key(life: Life, provider_api, **_: object) -> None:
    provider_api.defaults = {"resend": "401"}


@breaks("EmailProviderFails", 12)
def take_provider_down(life: Life, provider_api, **_: object) -> None:
    provider_api.defaults = {"resend": "503"}


@breaks("EmailProviderPaused", 36)
def limit_rate(life: Life, provider_api, **_: object) -> None:
    provider_api.defaults = {"resend": "429"}


@breaks("EmailFallbackActive", 12)
def revoke_key_with_fallback(life: Life, settings, provider_api, **_: object) -> None:
    settings.EMAIL_FALLBACK_PROVIDER = "sendgrid"
    provider_api.defaults = {"resend": "401"}


@breaks("EmailFailureRateHigh", 10)
def refuse_emails(life: Life, provider_api, **_: object) -> None:
    life.emails = 6
    provider_api.defaults = {"resend": "422"}


# Emails that don't arrive


@breaks("EmailBounceRateHigh", 10)
def bounce(life: Life, **_: object) -> None:
    life.report, life.emails = "email.bounced", 10  # each address only once, because then it is suppressed


@breaks("EmailComplaintRateHigh", 8)
def complain(life: Life, **_: object) -> None:
    life.report = "email.complained"


@breaks("EmailEventsMissing", 84)
def stop_events(life: Life, **_: object) -> None:
    life.is_reporting = False


@breaks("EmailEventsLate", 40)
def delay_events(life: Life, **_: object) -> None:
    life.reports_late_by = timedelta(minutes=10)


# Webhooks and Stripe


@breaks("WebhooksFail", 8)
def remove_secrets(life: Life, settings, **_: object) -> None:
    settings.RESEND_WEBHOOK_SECRETS = []


@breaks("WebhookSecretWrong", 72)
def exchange_secret(life: Life, settings, **_: object) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_another"]


@breaks("StripeEventsFail", 8)
def break_handler(life: Life, monkeypatch, **_: object) -> None:
    monkeypatch.setitem(handlers.HANDLERS, "product.updated", lambda *_: 1 / 0)


@breaks("StripeEventsWait", 10)
def stop_sweep(life: Life, **_: object) -> None:
    life.live(2)  # as if the process had died after it stored the event
    StripeEvent.objects.update(status="received", processed_at=None, due_at=Now())


@breaks("StripeEventsLate", 40)
def delay_stripe(life: Life, **_: object) -> None:
    life.stripe_late_by = timedelta(minutes=10)
