"""Production refuses what guides show in place of a real value, and never refuses a real one."""

import base64
import random
import secrets
import string

import pytest
from django.core import checks

from settings.placeholders import VARIABLES, is_placeholder
from tests.test_environment import IN_COMPOSE_FILES, PRODUCTION, example, load

KEYS = [
    "sq_your_api_key_here",
    "re_your_api_key_here",
    "SG.your_api_key_here",
    "seq_your_api_key",
    "sq_yourapikey",
    "your_api_key",
    "YOUR_API_KEY",
    "YOUR-RESEND-API-KEY",
    "your_really_long_secret_key",
    "your-secret-key",
    "your-super-secret-key-change-this-in-production",
    "<your key>",
    "<RESEND_API_KEY>",
    "[your api key]",
    "{{ resend_api_key }}",
    "${RESEND_API_KEY}",
    "insert-your-key",
    "paste_your_token_here",
    "my-secret-key",
    "my_api_key",
    "api-key-here",
    "re_key_here",
    "re_xxxxxxxxx",
    "re_XXXXXXXX_XXXXXXXXXXXXXXXX",
    "re_***",
    "SG.xxxxxx.xxxxxxxx",
    "sk_test_xxx",
    "sk_test_...",
    "sk_live_…",
    "whsec_...",
    "whsec_…",
    "whsec_xxxxxxxxxxxx",
    "whsec_your_signing_secret",
    "sk_live_••••••1234",
    "re_123456789",
    "re_abc123",
    "changeme",
    "change_me",
    "please-change-me",
    "changethis",
    "replace-me",
    "replace_with_your_key",
    "placeholder",
    "TODO",
    "none",
    "null",
    "secret",
    "password",
    "api_key",
]
ADDRESSES = [
    "you@yourdomain.com",
    "Acme <you@yourdomain.com>",
    "hello@your-domain.example",
    "noreply@your-company.com",
    "noreply@YourCompany.com",
    "you@example.com",
    "name@example.org",
    "me@mydomain.com",
    "Your Company <hello@acme.example>",
]
HOSTS = [
    "yourdomain.com",
    "www.yourdomain.com",
    "your-app.fly.dev",
    "yourapp.com",
    "your.domain.com",
    "your_domain.com",
]
URLS = ["https://yourdomain.com", "https://app.your-company.com", "https://xxxxxx.ngrok.io"]
DATABASES = [
    "postgres://user:password@host:5432/name",
    "postgres://username:password@localhost/app",
    "postgres://acme:change-me@db.acme.example/acme",
    "postgres://acme:your_password@db.acme.example/acme",
    "postgres://...",
]


@pytest.mark.parametrize("value", KEYS + ADDRESSES + HOSTS + URLS + DATABASES)
def test_placeholder_of_a_guide_is_recognized(value):
    assert is_placeholder(value)
    assert is_placeholder(f"whsec_2vKq8sTn4bXwR5,{value}" if "<" not in value else value)


REAL = [
    "Acme <hello@example.com>",
    "<hello@acme.example>",
    "hello@yourstory.com",
    "Your Rentals <hello@your.rentals>",
    "hello@chooseyourboss.com",
    "me@acme.example",
    "hello@exchangeit.com",
    "hello@myapp.example",
    "app.example.com",
    "myapp.herokuapp.com",
    "bookyourhost.com",
    "host.docker.internal",
    "password.acme.example",
    "[::1]",
    "*",
    "https://app.example.com",
    "https://xxx.acme.example",
    "postgres://acme:secret@db.example.com:5432/acme",
    "postgres://user:p...w@db.example.com/app",
    "redis://host:6379/0",
    "smtp+tls://apikey:SG.2vKq8sTn@smtp.sendgrid.net:587",
    "re_2vKq8sTn",
    "re_8xxxK2hereQ",
    "re_xxxK2hereYour9",
    "SG.aXxXb-here_Your9.whereYou-areMy_keyB4",
    "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "0",
]


@pytest.mark.parametrize("value", REAL)
def test_real_value_passes(value):
    assert not is_placeholder(value)


def generated_keys(count: int) -> list[str]:
    """Return keys in the formats of the providers, of Stripe, and of Python, the same ones in every run."""
    chance = random.Random(2026)
    letters = string.ascii_letters + string.digits

    def text(length: int, alphabet: str = letters) -> str:
        return "".join(chance.choices(alphabet, k=length))

    def url_safe(length: int) -> str:
        return base64.urlsafe_b64encode(chance.randbytes(length)).decode().rstrip("=")

    formats = [
        lambda: f"re_{text(8)}_{text(24)}",
        lambda: f"SG.{url_safe(16)}.{url_safe(32)}",
        lambda: f"seq_live_{text(32)}",
        lambda: f"sq_{text(40)}",
        lambda: f"sk_live_{text(99)}",
        lambda: f"whsec_{base64.b64encode(chance.randbytes(24)).decode()}",
        lambda: base64.b64encode(chance.randbytes(91)).decode(),  # SendGrid's public key
        lambda: url_safe(50),
        lambda: chance.randbytes(32).hex(),
        lambda: text(50, "abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)"),  # Django's startproject
        lambda: f"postgres://acme:{text(24, letters + '-_.~')}@db.acme.example:5432/acme",
    ]
    return [make() for make in formats for _ in range(count)]


def test_no_generated_key_is_refused():
    assert [key for key in generated_keys(2000) if is_placeholder(key)] == []


def test_no_key_with_words_inside_is_refused():
    """A word of a placeholder between two random halves, without separators."""
    chance = random.Random(7)
    words = ["xxx", "XXXX", "here", "your", "Your", "my", "key", "secret", "test", "me", "todo", "abc", "123456"]
    halves = generated_keys(20)[: 20 * 6]
    assert [
        key for half in halves for word in words if is_placeholder(key := f"{half}{word}{chance.randbytes(8).hex()}")
    ] == []


VALUES = {
    "ALLOWED_HOSTS": "yourdomain.com",
    "APP_URL": "https://yourdomain.com",
    "DATABASE_URL": "postgres://user:password@host:5432/name",
    "REDIS_URL": "redis://:your_password@redis.acme.example/0",
    "CELERY_BROKER_URL": "redis://:your_password@redis.acme.example/0",
    "DEFAULT_FROM_EMAIL": "you@yourdomain.com",
    "SECURITY_CONTACT": "security@yourdomain.com",
    "EMAIL_URL": "smtp+tls://user:password@host:587",
    "SECRET_KEY": "your-secret-key-" + secrets.token_urlsafe(50),
    "METRICS_TOKEN": "your_metrics_token_" + secrets.token_urlsafe(50),
    "TRUSTED_PROXY_COUNT": "<number>",
}


@pytest.mark.parametrize("name", VARIABLES)
def test_production_names_the_variable_and_not_the_value(name):
    value = VALUES.get(name, "re_your_api_key_here")
    error = load(
        "settings.production", **PRODUCTION | {name: value, "STRIPE_WEBHOOK_SECRETS": "whsec_2vKq8sTn"} | {name: value}
    )
    assert name in error
    assert value not in error


def test_every_secret_is_checked():
    secret_names = {
        name for name in example() if name.endswith(("_KEY", "_KEYS", "_SECRET", "_SECRETS", "_TOKEN", "PASSWORD"))
    }
    assert secret_names - {*VARIABLES} - IN_COMPOSE_FILES == {"SEQUENZY_WEBHOOK_KEY"}, "which is auto, text, or base64"


@pytest.mark.parametrize("name", ["SENDGRID_API_KEY", "STRIPE_WEBHOOK_SECRETS"])
def test_development_starts_with_a_placeholder(name):
    assert load("settings.development", **{name: "SG.your_api_key_here"}) == ""


def test_check_names_the_variable_and_not_the_value(settings):
    settings.PLACEHOLDERS = ["RESEND_API_KEY"]
    [warning] = [message for message in checks.run_checks(tags=["emails"]) if message.id == "emails.W003"]
    assert "RESEND_API_KEY" in warning.msg
