"""Devices that a person logged in with before: guessing by others does not slow them down (docs/accounts.md).

A device is known by a signed value that its login was answered with. Browsers keep it in a cookie, clients of the API
send it back in the header `Known-Device`. It opens nothing: whoever holds it still needs the password.
"""

from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from accounts.models import User
from common.email_addresses import normalize_address

SALT = "accounts.known_device"
LIFE = timedelta(days=400)  # browsers keep no cookie longer
COOKIE = "known_device"
HEADER = "Known-Device"
MAXIMUM_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class KnownDevice:
    id: str


def known_device(request: HttpRequest | Request, address: str) -> KnownDevice | None:
    """The device that this request comes from, if the owner of the address logged in with it before.

    Costs the same for an address without an account: one signature, and one query where the signature is good.
    """
    value = request.headers.get(HEADER) or request.COOKIES.get(COOKIE, "")
    try:
        claims: dict[str, Any] = signing.loads(value[:MAXIMUM_LENGTH], salt=SALT, max_age=LIFE)
    except signing.BadSignature:
        return None
    # Compared here: what was typed is not checked yet, and PostgreSQL fails on a NUL in a query.
    owners = User.objects.filter(pk=claims["user"], session_generation=claims["generation"])
    is_owner = normalize_address(address) in owners.values_list("email", flat=True)
    return KnownDevice(claims["device"]) if is_owner else None


def remember_device(response: HttpResponseBase, request: HttpRequest, user: User) -> None:
    """Let the answer to a login make the device known: a header for the API, a cookie for browsers."""
    value = signing.dumps(
        {"user": user.pk, "generation": user.session_generation, "device": token_urlsafe(12)}, salt=SALT
    )
    if request.path_info.startswith("/api/"):
        response[HEADER] = value
        return
    response.set_cookie(
        COOKIE, value, max_age=LIFE, httponly=True, samesite="Lax", secure=bool(settings.SESSION_COOKIE_SECURE)
    )
