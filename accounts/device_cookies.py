"""Device cookies: a device that the owner of an account logged in with before has login limits of its own.

Strangers who guess its password therefore cannot lock the owner out (docs/accounts.md). The response to a login
contains a signed value. Browsers keep it in a cookie; API clients send it back in the header `Known-Device`.
The value grants no access: its holder still needs the password.

See https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

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
LIFE = timedelta(days=400)  # browsers limit a cookie's lifetime to this
FORMER_COOKIE = "known_device"  # what production called it before; devices keep it for LIFE
HEADER = "Known-Device"
MAXIMUM_LENGTH = 1000  # limits the work of checking a forged value


def known_device_id(request: HttpRequest | Request, address: str) -> str | None:
    """Return the id of the device, or None if the owner of this email address has not logged in with it before.

    The work is the same whether or not the address has an account, so its duration reveals nothing: one signature is
    checked, and one query is made if it is valid.
    """
    cookies = request.COOKIES
    value = request.headers.get(HEADER) or cookies.get(settings.DEVICE_COOKIE_NAME) or cookies.get(FORMER_COOKIE, "")
    try:
        claims: dict[str, Any] = signing.loads(value[:MAXIMUM_LENGTH], salt=SALT, max_age=LIFE)
    except signing.BadSignature:
        return None
    # Compared in Python: the address is not validated yet, and PostgreSQL rejects a NUL in a query.
    owners = User.objects.filter(pk=claims["user"], session_generation=claims["generation"])
    is_owner = normalize_address(address) in owners.values_list("email", flat=True)
    return str(claims["device"]) if is_owner else None


def set_device_header(response: HttpResponseBase, user: User) -> None:
    """Let an API client know its device value after a login."""
    response[HEADER] = _new_value(user)


def set_device_cookie(response: HttpResponseBase, user: User) -> None:
    """Store the device value in the browser after a login."""
    name, is_secure = settings.DEVICE_COOKIE_NAME, bool(settings.SESSION_COOKIE_SECURE)
    response.set_cookie(name, _new_value(user), max_age=LIFE, httponly=True, samesite="Lax", secure=is_secure)


def _new_value(user: User) -> str:
    # The generation ends with a password reset or a logout everywhere. A random id gives each device its own window.
    claims = {"user": user.pk, "generation": user.session_generation, "device": token_urlsafe(12)}
    return signing.dumps(claims, salt=SALT)
