"""The client that sent a request, as values that services can take instead of the request."""

from dataclasses import dataclass
from typing import Self

from django.http import HttpRequest
from rest_framework.request import Request

from common.client_ip import client_ip

USER_AGENT_LENGTH = 300  # the length of the column in Login


@dataclass(frozen=True, slots=True)
class Client:
    """`address` is the IP address, or None if it is unknown. `user_agent` holds printable characters only."""

    address: str | None
    user_agent: str

    @classmethod
    def of(cls, request: HttpRequest | Request) -> Self:
        ip = client_ip(request)
        return cls(address=str(ip) if ip else None, user_agent=_printable(request.META.get("HTTP_USER_AGENT", "")))


@dataclass(frozen=True, slots=True)
class Requester:
    """Who requests an email: a client, a device, or a user, as a text that identifies them."""

    subject: str
    is_owners_device: bool = False


def _printable(text: str) -> str:
    """Drop what isn't printable: PostgreSQL can't store a NUL, and people read the rest in the admin and on pages."""
    return "".join(character for character in text if character.isprintable())[:USER_AGENT_LENGTH]
