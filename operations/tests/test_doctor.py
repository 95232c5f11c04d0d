"""Broken environments: each problem is one finding, whose line names it and says what to do."""

import re
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.cache import cache
from django.core.management import call_command

from billing.models import Customer
from common.client_ip import SEEN_KEY
from common.db import database_now
from common.findings import Level
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, ProviderState
from operations.doctor.comparison import fingerprints
from operations.doctor.examination import SETTINGS, examine, run
from operations.doctor.presentation import line_of
from operations.doctor.senders import TEMPLATE_NAME
from operations.models import Heartbeat, Report, Role

pytestmark = pytest.mark.django_db

KEY = "sk_live_51Hq8sTn4Lm9XwVr7"
SECRET_KEY = "kJ3v9-qTz7_Lm2XwR5bYc8NfHd4GsPa6UeVi1ZoKrMtQjBxWnCyEuFhSgDl"
API_KEY = "re_2vKq8sTn4Lm9Xw"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HEALTHY = {
    "IS_PRODUCTION": True,
    "SECRET_KEY": SECRET_KEY,
    "APP_URL": "https://app.acme.com",
    "ALLOWED_HOSTS": ["app.acme.com"],
    "DEFAULT_FROM_EMAIL": "Acme <hello@mail.acme.com>",
    "SUPPORT_EMAIL": "support@acme.com",
    "EMAIL_PROVIDER": "resend",
    "EMAIL_DELIVERY_BACKEND": "",
    "EMAIL_FALLBACK_PROVIDER": "",
    "RESEND_API_KEY": API_KEY,
    "RESEND_WEBHOOK_SECRETS": [WEBHOOK_SECRET],
    "BRAND_NAME": "Acme",
    "BRAND_ADDRESS": "1 Main Street, Springfield",
    "SECURE_HSTS_SECONDS": 3600,
    "SECURE_SSL_REDIRECT": True,
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    # The last two are about texts and pictures that only an owner can replace.
    "SILENCED_SYSTEM_CHECKS": ["security.W005", "security.W021", "accounts.W001", "accounts.W004"],
    "METRICS_TOKEN": "",
}
STRIPE = {
    "STRIPE_SECRET_KEY": KEY,
    "STRIPE_LIVEMODE": True,
    "STRIPE_WEBHOOK_SECRETS": ["whsec_2vKq8sTn4bXwR5"],
    "BILLING_ALERT_EMAILS": ["money@acme.com"],
    "BILLING_PLANS": [],
    "BILLING_ADD_ONS": [],
    "BILLING_PRODUCTS": [],
}
SMTP = {"EMAIL_PROVIDER": "smtp", "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": False}
TEST_KEY = KEY.replace("live", "test")
SECRETS = (SECRET_KEY, API_KEY, KEY, TEST_KEY, WEBHOOK_SECRET, "Xk29vQpL")

# By name: the settings, the check that finds the problem, and what its line contains.
BROKEN = {
    "http": ({"APP_URL": "http://app.acme.com"}, "site.app_url", ["APP_URL", "https://app.acme.com"]),
    "localhost": (
        {"APP_URL": "https://localhost:8000", "ALLOWED_HOSTS": ["localhost"]}, "site.app_url", ["public URL"],
    ),
    "another host": ({"ALLOWED_HOSTS": ["www.acme.com"]}, "site.allowed_hosts", ["Add app.acme.com"]),
    "every host": ({"ALLOWED_HOSTS": ["*"]}, "site.allowed_hosts", ["ALLOWED_HOSTS", "List the host names"]),
    "http origin": (
        {"CORS_ALLOWED_ORIGINS": ["http://www.acme.com"]}, "site.cors", ["CORS_ALLOWED_ORIGINS", "https://www.acme"],
    ),
    "http forms": ({"CSRF_TRUSTED_ORIGINS": ["http://*.acme.com"]}, "site.csrf", ["CSRF_TRUSTED_ORIGINS", "https://*"]),
    "public secret": (
        {"RESEND_WEBHOOK_SECRETS": ["whsec_ZGV2ZWxvcG1lbnQtb25seS1pbnNlY3VyZQ=="]}, "keys.public",
        ["RESEND_WEBHOOK_SECRETS", "development", "of your own"],
    ),
    "public payments": (
        STRIPE | {"STRIPE_WEBHOOK_SECRETS": ["whsec_development-only-insecure"]}, "keys.public",
        ["STRIPE_WEBHOOK_SECRETS", "development"],
    ),
    "shared secret": ({"METRICS_TOKEN": HEALTHY["SECRET_KEY"]}, "keys.shared", ["METRICS_TOKEN", "SECRET_KEY"]),
    "weak token": ({"METRICS_TOKEN": "abab" * 10}, "keys.metrics_token", ["METRICS_TOKEN", "token_urlsafe"]),
    "free provider": (
        {"DEFAULT_FROM_EMAIL": "Acme <acme.app@GMail.com>"}, "email.sender", ["gmail.com", "DMARC", "domain of yours"],
    ),
    "other free provider": ({"DEFAULT_FROM_EMAIL": "acme@outlook.com"}, "email.sender", ["outlook.com", "DMARC"]),
    "sender for tests": ({"DEFAULT_FROM_EMAIL": "onboarding@resend.dev"}, "email.sender", ["resend.dev", "for tests"]),
    "local sender": ({"DEFAULT_FROM_EMAIL": "webmaster@localhost"}, "email.sender", ["localhost", "refused"]),
    "console": ({"EMAIL_PROVIDER": "console"}, "email.provider", ["EMAIL_PROVIDER", "nobody", "resend"]),
    "console by path": (
        {"EMAIL_DELIVERY_BACKEND": "django.core.mail.backends.console.EmailBackend"}, "email.provider",
        ["EMAIL_DELIVERY_BACKEND", "only prints"],
    ),
    "dummy": (
        {"EMAIL_DELIVERY_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}, "email.provider", ["drops emails"],
    ),
    "no key": ({"RESEND_API_KEY": ""}, "email.provider", ["RESEND_API_KEY"]),
    "missing backend": ({"EMAIL_DELIVERY_BACKEND": "acme.Backend"}, "email.provider", ["acme"]),
    "same fallback": (
        {"EMAIL_FALLBACK_PROVIDER": "resend"}, "email.fallback", ["EMAIL_FALLBACK_PROVIDER", "first provider"],
    ),
    "fallback without a key": (
        {"EMAIL_FALLBACK_PROVIDER": "sendgrid", "SENDGRID_API_KEY": ""}, "email.fallback", ["SENDGRID_API_KEY"],
    ),
    "wrong webhook secret": (
        {"RESEND_WEBHOOK_SECRETS": ["whsec_no*base64"]}, "email.webhook_secrets", ["RESEND_WEBHOOK_SECRETS", "again"],
    ),
    "http API": (
        {"STRIPE_API_URL": "http://stripe.acme.com"}, "email.api_urls", ["STRIPE_API_URL", "unencrypted", "https://"],
    ),
    "SMTP without TLS": (
        SMTP | {"EMAIL_HOST": "smtp.acme.com", "EMAIL_HOST_PASSWORD": "Xk29vQpL"}, "email.smtp", ["smtp+tls://"],
    ),
    "publishable key": (STRIPE | {"STRIPE_SECRET_KEY": "pk_live_51Hq8sT"}, "payments.key", ["sk_live_"]),
    "test key": (STRIPE | {"STRIPE_SECRET_KEY": TEST_KEY, "STRIPE_LIVEMODE": False}, "payments.key", ["live key"]),
    "other mode": (STRIPE | {"STRIPE_SECRET_KEY": TEST_KEY}, "payments.mode", ["STRIPE_LIVEMODE", "Unset"]),
    "no Stripe secret": (
        STRIPE | {"STRIPE_WEBHOOK_SECRETS": []}, "payments.webhook_secret", ["STRIPE_WEBHOOK_SECRETS", "never"],
    ),
    "alert address": (
        STRIPE | {"BILLING_ALERT_EMAILS": ["Ada <ada@acme.com>"]}, "payments.alerts", ["BILLING_ALERT_EMAILS"],
    ),
    "logo": ({"BRAND_LOGO_URL": "http://acme.com/logo.png"}, "brand.logo", ["BRAND_LOGO_URL", "https://"]),
    "unreachable provider": (
        {"RESEND_API_URL": "http://127.0.0.1:1"}, "network.service", ["RESEND_API_URL", "can't be reached", "outgoing"],
    ),
    "prices": (
        STRIPE | {"BILLING_PLANS": [{"slug": "pro"}]}, "django.checks", ["billing.E003", "settings/plans.py"],
    ),
}  # fmt: skip


class Responder(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def provider_url():
    server = HTTPServer(("127.0.0.1", 0), Responder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def healthy(settings, provider_url):
    """A production installation without a fault, except that the tests may run on SQLite."""
    apply(settings, HEALTHY | {"RESEND_API_URL": provider_url, "STRIPE_API_URL": provider_url})
    cache.clear()
    now = database_now()
    for role in Role:
        Heartbeat.objects.create(name=f"{role}-1", role=role, started_at=now, seen_at=now)
    return settings


def apply(settings, values):
    for name, value in values.items():
        setattr(settings, name, value)


def problems(level=Level.ERROR, *, of_settings=False):
    found = [*run(SETTINGS)] if of_settings else examine()
    return [each for each in found if each.level == level and each.check != "database.engine"]


def assert_found(check, words, *, of_settings=False):
    [found] = problems(of_settings=of_settings)
    line = line_of(found, has_colors=False)
    assert found.check == check, line
    assert [word for word in words if word not in line] == [], line
    assert [secret for secret in SECRETS if secret in line] == []
    assert found.problem
    assert found.fix
    assert "\n" not in line


def test_healthy_installation_has_no_findings(healthy):
    assert problems() == []
    assert problems(Level.WARNING) == []


def test_healthy_installation_with_payments_has_no_errors(healthy):
    apply(healthy, STRIPE)
    assert problems() == []


@pytest.mark.parametrize("case", BROKEN)
def test_broken_environment_is_named(healthy, case):
    values, check, words = BROKEN[case]
    apply(healthy, values)
    assert_found(check, words, of_settings=check in {each.name for each in SETTINGS})


DOUBTFUL = {
    "no postal address": ({"BRAND_ADDRESS": ""}, "brand.address", ["BRAND_ADDRESS"]),
    "no name": ({"BRAND_NAME": TEMPLATE_NAME}, "brand.name", ["BRAND_NAME"]),
    "other domain": ({"DEFAULT_FROM_EMAIL": "hello@acme.net"}, "email.sender_domain", ["acme.net", "app.acme.com"]),
    "no reply": ({"SUPPORT_EMAIL": "no-reply@acme.com"}, "email.support", ["SUPPORT_EMAIL"]),
    "no webhook secret": ({"RESEND_WEBHOOK_SECRETS": []}, "email.webhook_secrets", ["/emails/webhooks/resend/"]),
    "local origin": ({"CORS_ALLOWED_ORIGINS": ["http://localhost:3000"]}, "site.cors", ["Remove it"]),
    "no redirect": (
        {"SECURE_SSL_REDIRECT": False}, "site.redirect", ["SECURE_SSL_REDIRECT"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DOUBTFUL)
def test_doubtful_environment_is_a_warning(healthy, case):
    values, check, words = DOUBTFUL[case]
    apply(healthy, values)
    [found] = problems(Level.WARNING, of_settings=True)
    assert found.check == check
    assert all(word in line_of(found, has_colors=False) for word in words)
    assert problems(of_settings=True) == []


@pytest.mark.parametrize("case", ["http", "console", "every host", "test key", "local sender"])
def test_development_accepts_what_production_must_not(healthy, case):
    apply(healthy, BROKEN[case][0])
    healthy.IS_PRODUCTION = False
    assert problems() == []


# What the database shows


@pytest.mark.parametrize("role", Role)
def test_missing_process_is_named(healthy, role):
    Heartbeat.objects.filter(role=role).update(seen_at=database_now() - timedelta(hours=2))
    assert_found(f"processes.{role}", [role, "2 hours ago", f"celery -A myproject {role}"])


@pytest.mark.parametrize(("role", "words"), [(Role.WORKER, "none has finished"), (Role.BEAT, "hasn't published")])
def test_process_that_does_no_work(healthy, role, words):
    long_ago = database_now() - timedelta(hours=1)
    Heartbeat.objects.filter(role=role).update(started_at=long_ago, worked_at=long_ago)
    assert_found(f"processes.{role}", [words, "five minutes"])


def test_email_that_waits_is_named(healthy):
    OutboundEmail.objects.create(recipients="ada@example.com", due_at=database_now(), content={})
    OutboundEmail.objects.update(created_at=database_now() - timedelta(hours=3))
    assert_found("outbox.oldest", ["3:0", "worker"])


def test_provider_that_refuses_the_key_is_named(healthy):
    reason = ProviderState.PauseReason.CONFIGURATION
    ProviderState.objects.create(name="resend", reason=reason, detail="The API key is refused (401).")
    assert_found("outbox.providers", ["resend", "The API key is refused (401).", "restart the worker"])


def sent_two_hours_ago():
    attempt = DeliveryAttempt.objects.create(provider="resend", outcome=DeliveryAttempt.Outcome.ACCEPTED)
    DeliveryAttempt.objects.filter(pk=attempt.pk).update(created_at=database_now() - timedelta(hours=2))


def test_silent_webhook_is_named(healthy):
    sent_two_hours_ago()
    assert_found("webhooks.delivery", ["resend", "https://app.acme.com/emails/webhooks/resend/"])
    now = database_now()
    DeliveryEvent.objects.create(provider="resend", fingerprint="1", type="delivered", occurred_at=now, raw={})
    assert problems() == []


def test_silent_stripe_is_named_once_there_are_customers(healthy):
    apply(healthy, STRIPE)
    assert "webhooks.stripe" in [found.check for found in problems(Level.WARNING)]
    Customer.objects.create(pk="cus_1", email="ada@example.com")
    assert_found("webhooks.stripe", ["https://app.acme.com/stripe/webhook"])


@pytest.mark.parametrize(
    ("seen", "count", "words"),
    [
        ((0, 1, True), 0, ["TRUSTED_PROXY_COUNT", "usually 1"]),
        ((2, 1, True), 2, ["TRUSTED_PROXY_COUNT", "to 1"]),
    ],
)
def test_number_of_proxies_that_requests_contradict_is_named(healthy, seen, count, words):
    healthy.REST_FRAMEWORK = {**healthy.REST_FRAMEWORK, "NUM_PROXIES": count}
    healthy.TRUSTED_PROXY_COUNT = count
    cache.set(SEEN_KEY, seen)
    assert_found("site.proxies", words)


def test_requests_of_strangers_are_only_a_warning(healthy):
    healthy.REST_FRAMEWORK = {**healthy.REST_FRAMEWORK, "NUM_PROXIES": 0}
    cache.set(SEEN_KEY, (0, 1, False))
    assert problems() == []
    assert [found.check for found in problems(Level.WARNING)] == ["site.proxies"]


def test_header_of_a_request_reaches_the_doctor(healthy, client, monkeypatch):
    healthy.REST_FRAMEWORK = {**healthy.REST_FRAMEWORK, "NUM_PROXIES": 0}
    monkeypatch.setattr("common.client_ip.is_header_ignored", threading.Event())
    client.get("/healthz", headers={"X-Forwarded-For": "203.0.113.7"})
    assert_found("site.proxies", ["X-Forwarded-For"])


def test_variable_that_the_worker_lacks_is_named(healthy):
    process = {"process": "worker-1", "checked_at": database_now(), "findings": []}
    Report.objects.create(**process, fingerprints={**fingerprints(), "RESEND_API_KEY": "0123456789abcdef"})
    assert_found("processes.variables", ["RESEND_API_KEY", "worker-1", "Give both the same value"])
    Report.objects.update(checked_at=database_now() - timedelta(hours=1))
    assert problems() == []


def test_command_shows_lines_without_color_codes(healthy, capsys):
    healthy.APP_URL = "http://app.acme.com"
    with pytest.raises(SystemExit) as stopped:
        call_command("doctor")
    output = capsys.readouterr().out
    assert stopped.value.code == 1
    assert re.search(
        r"^  error    APP_URL: It begins with http://.* Set APP_URL to https://app\.acme\.com\.$", output, re.M
    )
    assert "\033" not in output
    assert re.search(r"^Brand  ok$", output, re.MULTILINE)
