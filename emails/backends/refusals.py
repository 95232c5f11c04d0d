"""Recipients that an SMTP server refused, although it accepted the message for others.

``smtplib`` returns them from ``sendmail()``, and Django's backend drops them. That backend and its subclasses can be
made to keep them.
"""

import smtplib
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

# The code and text of each refusal, by address.
Refusals = Mapping[str, tuple[int, bytes]]


class KeepsRefusals(smtplib.SMTP):
    """An SMTP connection that remembers whom the server refused in the last message."""

    refused: Refusals = {}

    def sendmail(self, *args: Any, **kwargs: Any) -> dict[str, tuple[int, bytes]]:
        self.refused = {}
        refused = super().sendmail(*args, **kwargs)
        self.refused = refused
        return refused


@cache
def keeping_refusals(backend: type[BaseEmailBackend]) -> type[BaseEmailBackend]:
    """Return the backend, or a subclass whose connections keep refusals if it sends by SMTP."""
    if not issubclass(backend, EmailBackend):
        return backend

    class Keeping(backend):  # type: ignore[valid-type,misc]
        @property
        def connection_class(self) -> type[smtplib.SMTP]:
            return _connection_class(super().connection_class)

    return Keeping


@cache
def _connection_class(connection: type[smtplib.SMTP]) -> type[smtplib.SMTP]:
    return type(connection.__name__, (KeepsRefusals, connection), {})


def refusals_of(connection: BaseEmailBackend) -> Refusals:
    """Return whom the server refused in the last message. Empty for a backend that doesn't send by SMTP."""
    client = getattr(connection, "connection", None)
    return client.refused if isinstance(client, KeepsRefusals) else {}
