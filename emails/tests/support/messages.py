"""Messages, and backends that send them to the stand-in."""

from typing import Any

from django.core.mail import EmailMultiAlternatives

from emails.backends import PROVIDERS
from emails.backends.api import ApiBackend
from emails.tests.support.standin import StandIn

KEY = "key_of_the_tests_0123456789"


def mail(html: str = "", **fields: Any) -> Any:
    """A message to Ada that no provider refuses; ``fields`` replace the defaults."""
    defaults = {"subject": "Hello", "body": "Hello there.", "from_email": "Acme <hello@acme.example>"}
    message = EmailMultiAlternatives(**{**defaults, "to": ["ada@example.com"], **fields})
    if html:
        message.attach_alternative(html, "text/html")
    return message


def backend(provider: str, provider_api: StandIn, **options: Any) -> ApiBackend:
    return PROVIDERS[provider](api_key=KEY, api_url=provider_api.url(provider), **options)


def sent(provider: str, provider_api: StandIn, message: Any) -> dict[str, Any]:
    """Send the message and return the payload that the provider accepted."""
    assert backend(provider, provider_api).send_messages([message]) == 1
    return provider_api.accepted[-1].payload
