"""The rate limits of accounts, each shared by an API view and its page."""

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.device_cookies import known_device_id
from common.email_addresses import normalize_address
from common.throttling import ClientThrottle, Limits, PersonThrottle, Throttle, Window, client_subject

CLIENTS_TO_BLOCK = 5  # how many clients it takes to use up an account's attempts


class AddressThrottle(Throttle):
    """Limits each email address across all clients, or each token if the request contains one instead.

    A stranger can use up the owner's attempts only while the attack lasts. The account is never locked.
    """

    def windows(self, request: HttpRequest | Request) -> list[Window]:
        value = submitted(request, "email") or submitted(request, "token")
        return [Window(self.scope, address_subject(value))] if isinstance(value, str) else []


class LoginThrottle(Throttle):
    """Limits each client and each account.

    A device that the owner logged in with before has its own window instead, which strangers can't use up.
    """

    def windows(self, request: HttpRequest | Request) -> list[Window]:
        value = submitted(request, "email")
        return login_windows(request, value if isinstance(value, str) else "")


def submitted(request: HttpRequest | Request, field: str) -> object:
    """Return the value of a field in the API's JSON body or in a page's form, before any validation."""
    data = request.data if isinstance(request, Request) else request.POST
    return data.get(field)  # type: ignore[union-attr]  # our parser returns a dict


def login_windows(request: HttpRequest | Request, address: str) -> list[Window]:
    """Return the windows that a login with this email address counts in, whether or not it has an account."""
    if device_id := known_device_id(request, address):
        return [Window("login", f"device:{device_id}")]
    # In this order: what one window refuses doesn't count in the next, so a single client uses up only its own share.
    client, account = client_subject(request), address_subject(address)
    return [
        Window("login", client),
        Window("login_account", f"{client} {account}", share=CLIENTS_TO_BLOCK),
        Window("login", account),
        Window("login_account", account),
    ]


def address_subject(value: str) -> str:
    return f"address:{normalize_address(value)}"


SIGNUP_LIMITS: Limits = [ClientThrottle("signup"), AddressThrottle("signup")]
LOGIN_LIMITS: Limits = [LoginThrottle("login")]
LINK_LIMITS: Limits = [ClientThrottle("login"), AddressThrottle("login")]  # a link in an email, opened with its token
EMAIL_REQUEST_LIMITS: Limits = [ClientThrottle("password_reset"), AddressThrottle("password_reset")]
EMAIL_CHANGE_LIMITS: Limits = [PersonThrottle("password_reset"), AddressThrottle("password_reset")]
# A person who finds a token or an unlocked browser must not be able to guess the password.
PASSWORD_LIMITS: Limits = [PersonThrottle("login")]
