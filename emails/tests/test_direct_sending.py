"""Each provider as a plain EMAIL_BACKEND that follows Django's contract."""

from typing import Any

import pytest
from django.core import mail as django_mail
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import send_mail

from emails import backends
from emails.backends import PROVIDERS, configured_provider, get_backend
from emails.backends.relay import RelayBackend
from emails.errors import CallOutcome, InvalidMessage, ProviderError
from emails.tests.support.messages import KEY, backend, mail

NAMES = {"sequenzy": "SequenzyBackend", "resend": "ResendBackend", "sendgrid": "SendGridBackend"}


@pytest.fixture(params=list(NAMES))
def direct_provider(request, settings, provider_api):
    """The name of each provider in turn, whose backend is EMAIL_BACKEND."""
    settings.EMAIL_BACKEND = f"emails.backends.{NAMES[request.param]}"
    setattr(settings, f"{request.param.upper()}_API_KEY", KEY)
    setattr(settings, f"{request.param.upper()}_API_URL", provider_api.url(request.param) + "/")
    return request.param


def test_send_mail_sends_immediately(provider_api, direct_provider):
    assert send_mail("Hello", "Hi", None, ["ada@example.com"], html_message="<p>Hi</p>") == 1
    assert [(email.provider, email.recipients) for email in provider_api.accepted] == [
        (direct_provider, ["ada@example.com"])
    ]


def test_several_messages_from_a_generator_are_sent(provider_api, direct_provider):
    messages: Any = (mail() for _ in range(3))
    with django_mail.get_connection() as connection:
        assert connection.send_messages(messages) == 3
    assert len(provider_api.accepted) == 3


@pytest.mark.parametrize("nothing", [None, [], iter(())])
def test_nothing_to_send_returns_zero(provider_api, direct_provider, nothing):
    assert django_mail.get_connection().send_messages(nothing) == 0


def test_message_without_recipients_is_not_counted(provider_api, direct_provider):
    assert django_mail.get_connection().send_messages([mail(to=[]), mail()]) == 1


def test_fail_silently_decides_whether_errors_are_raised(provider_api, direct_provider):
    provider_api.faults = ["422", "422"]
    with pytest.raises(ProviderError):
        mail().send()
    assert mail().send(fail_silently=True) == 0


def test_silent_failure_does_not_stop_later_messages(provider_api, direct_provider):
    bad = mail(subject="Hello\nBcc: x@example.com")
    assert django_mail.get_connection(fail_silently=True).send_messages([bad, mail()]) == 1


@pytest.mark.parametrize("provider", ["sequenzy", "resend"])
def test_idempotency_key_of_the_caller_prevents_a_second_email(provider_api, provider):
    ids = set()
    for _ in range(2):
        message = mail()
        message.idempotency_key = "receipt:42"
        assert backend(provider, provider_api).send_messages([message]) == 1
        ids.add(message.provider_message_id)
    assert len(provider_api.accepted) == len(ids) == 1


@pytest.mark.parametrize("key", ["with space", "grün", "x" * 256, "a\r\nb"])
def test_idempotency_key_unfit_for_a_header_is_refused(provider_api, key):
    message = mail()
    message.idempotency_key = key
    with pytest.raises(InvalidMessage, match="idempotency_key"):
        backend("resend", provider_api).send_messages([message])
    assert provider_api.calls == 0


@pytest.mark.parametrize("name", list(PROVIDERS))
def test_missing_or_malformed_api_key_names_its_setting(settings, name):
    for value in ("", "two words", "line\n"):
        setattr(settings, f"{name.upper()}_API_KEY", value)
        with pytest.raises(ImproperlyConfigured, match=f"{name.upper()}_API_KEY"):
            PROVIDERS[name]()


def test_api_url_without_scheme_names_its_setting(settings):
    settings.RESEND_API_URL = "api.resend.com"
    with pytest.raises(ImproperlyConfigured, match="RESEND_API_URL"):
        backends.ResendBackend(api_key=KEY)


def test_configured_provider_follows_the_settings(settings):
    settings.EMAIL_PROVIDER, settings.EMAIL_DELIVERY_BACKEND = "resend", ""
    assert configured_provider() == "resend"
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert configured_provider() == "django.core.mail.backends.locmem.EmailBackend"
    settings.EMAIL_DELIVERY_BACKEND = "emails.backends.SendGridBackend"
    assert configured_provider() == "sendgrid"


def test_backend_follows_the_settings(settings):
    settings.RESEND_API_KEY = KEY
    assert get_backend("resend").name == "resend"
    settings.RESEND_API_KEY = ""
    with pytest.raises(ImproperlyConfigured, match="RESEND_API_KEY"):
        get_backend("resend")


@pytest.mark.parametrize("name", ["console", "smtp", "django.core.mail.backends.locmem.EmailBackend"])
def test_other_backend_is_wrapped_in_a_relay(name):
    assert isinstance(get_backend(name), RelayBackend)
    assert get_backend(name).name == name


def test_custom_provider_subclass_keeps_its_path_as_name(settings):
    settings.RESEND_API_KEY = KEY
    own = get_backend(f"{__name__}.OwnBackend")
    assert (type(own), own.name) == (OwnBackend, f"{__name__}.OwnBackend")


class OwnBackend(backends.ResendBackend):
    pass


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("resent", "sequenzy, resend, sendgrid"),
        ("acme.mail.Backend", "cannot be imported"),
        ("emails.backends.outbox.OutboxBackend", "itself"),
    ],
)
def test_unknown_provider_is_refused_with_advice(name, advice):
    with pytest.raises(ImproperlyConfigured, match=advice):
        get_backend(name)


def test_missing_ca_bundle_needs_a_fix(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ProviderError, match="REQUESTS_CA_BUNDLE") as caught:
        backends.ResendBackend(api_key=KEY, api_url="https://127.0.0.1:1/nowhere").send_messages([mail()])
    assert caught.value.outcome == CallOutcome.NOT_SENT
    assert caught.value.remedy == "fix"
