"""Each provider's backend as EMAIL_BACKEND, without the outbox, called through Django's own functions.

``direct_provider`` sets EMAIL_BACKEND to each provider's backend in turn. ``provider_api`` is a local HTTP server that
stands in for the provider, and ``provider_api.accepted`` holds the emails that have arrived there.
"""

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
    """Set EMAIL_BACKEND to a provider's backend, and provide the provider's name. Tests run once per provider."""
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
    messages: Any = (mail() for _ in range(3))  # has no length, unlike a list
    with django_mail.get_connection() as connection:
        assert connection.send_messages(messages) == 3
    assert len(provider_api.accepted) == 3


@pytest.mark.parametrize("nothing", [None, [], iter(())])
def test_nothing_to_send_returns_zero(provider_api, direct_provider, nothing):
    """Callers may pass None or an iterable that turns out to be empty."""
    assert django_mail.get_connection().send_messages(nothing) == 0


def test_message_without_recipients_is_not_counted(provider_api, direct_provider):
    assert django_mail.get_connection().send_messages([mail(to=[]), mail()]) == 1


def test_fail_silently_decides_whether_errors_are_raised(provider_api, direct_provider):
    provider_api.faults = ["422", "422"]
    with pytest.raises(ProviderError):
        mail().send()
    assert mail().send(fail_silently=True) == 0


def test_silent_failure_does_not_stop_later_messages(provider_api, direct_provider):
    # A line break in the subject could inject the header Bcc, so Django and the backends refuse it.
    bad = mail(subject="Hello\nBcc: x@example.com")
    assert django_mail.get_connection(fail_silently=True).send_messages([bad, mail()]) == 1


@pytest.mark.parametrize("provider", ["sequenzy", "resend"])
def test_idempotency_key_of_the_caller_prevents_a_second_email(provider_api, provider):
    first, second = mail(), mail()
    first.idempotency_key = second.idempotency_key = "receipt:42"
    assert backend(provider, provider_api).send_messages([first]) == 1
    assert backend(provider, provider_api).send_messages([second]) == 1
    assert len(provider_api.accepted) == 1
    assert second.provider_message_id == first.provider_message_id


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("with space", id="space"),
        pytest.param("grün", id="not ASCII"),
        pytest.param("x" * 256, id="longer than 255 characters"),
        pytest.param("a\r\nb", id="line break"),
    ],
)
def test_idempotency_key_unfit_for_a_header_is_refused(provider_api, key):
    message = mail()
    message.idempotency_key = key
    with pytest.raises(InvalidMessage, match="idempotency_key"):
        backend("resend", provider_api).send_messages([message])
    assert provider_api.calls == 0


@pytest.mark.parametrize("name", list(PROVIDERS))
@pytest.mark.parametrize(
    "api_key",
    [
        pytest.param("", id="missing"),
        pytest.param("two words", id="space"),
        pytest.param("line\n", id="line break"),  # from a file that ends with one
    ],
)
def test_missing_or_malformed_api_key_names_its_setting(settings, name, api_key):
    setting = f"{name.upper()}_API_KEY"
    setattr(settings, setting, api_key)
    with pytest.raises(ImproperlyConfigured, match=setting):
        PROVIDERS[name]()


def test_api_url_without_scheme_names_its_setting(settings):
    settings.RESEND_API_URL = "api.resend.com"
    with pytest.raises(ImproperlyConfigured, match="RESEND_API_URL"):
        backends.ResendBackend(api_key=KEY)


LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


@pytest.mark.parametrize(
    ("delivery_backend", "provider"),
    [("", "resend"), (LOCMEM, LOCMEM), ("emails.backends.SendGridBackend", "sendgrid")],
    ids=["EMAIL_PROVIDER only", "another backend", "a provider's backend"],
)
def test_configured_provider_follows_the_settings(settings, delivery_backend, provider):
    """EMAIL_DELIVERY_BACKEND takes priority over EMAIL_PROVIDER."""
    settings.EMAIL_PROVIDER = "resend"
    settings.EMAIL_DELIVERY_BACKEND = delivery_backend
    assert configured_provider() == provider


def test_backend_follows_the_settings(settings):
    settings.RESEND_API_KEY = KEY
    assert get_backend("resend").name == "resend"
    settings.RESEND_API_KEY = ""
    with pytest.raises(ImproperlyConfigured, match="RESEND_API_KEY"):
        get_backend("resend")


@pytest.mark.parametrize("name", ["console", "smtp", LOCMEM])
def test_other_backend_is_wrapped_in_a_relay(name):
    assert isinstance(get_backend(name), RelayBackend)
    assert get_backend(name).name == name


def test_custom_provider_subclass_keeps_its_path_as_name(settings):
    settings.RESEND_API_KEY = KEY
    path = f"{__name__}.CustomBackend"
    custom = get_backend(path)
    assert type(custom) is CustomBackend
    assert custom.name == path


class CustomBackend(backends.ResendBackend):
    """A backend that a project could derive from one of ours."""


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        pytest.param("resent", "sequenzy, resend, sendgrid", id="typing error"),
        pytest.param("acme.mail.Backend", "cannot be imported", id="missing module"),
        # The outbox would deliver into itself forever.
        pytest.param("emails.backends.outbox.OutboxBackend", "itself", id="the outbox"),
    ],
)
def test_unknown_provider_is_refused_with_advice(name, advice):
    with pytest.raises(ImproperlyConfigured, match=advice):
        get_backend(name)


def test_missing_ca_bundle_needs_a_fix(monkeypatch):
    """The requests package raises a plain OSError for a CA bundle that doesn't exist."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ProviderError, match="REQUESTS_CA_BUNDLE") as caught:
        backends.ResendBackend(api_key=KEY, api_url="https://127.0.0.1:1/nowhere").send_messages([mail()])
    assert caught.value.outcome == CallOutcome.NOT_SENT
    assert caught.value.remedy == "fix"
