"""How often one may try: limits per client, address and person, kept in the cache and open when the cache is away."""

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.known_devices import known_device
from common.api.throttling import Window, WindowThrottle, client_subject
from common.email_addresses import normalize_address

CLIENTS_TO_BLOCK = 5  # so many it takes to use up an account's tries


class AddressThrottle(WindowThrottle):
    """Per email address, or per token where a request brings one instead, wherever it comes from.

    A stranger can use up an owner's tries only while he goes on: the window is the rate's own, and nothing is locked.
    """

    def windows(self, request: Request, scope: str) -> list[Window]:
        value = request.data.get("email") or request.data.get("token")  # type: ignore[union-attr]  # a dict, by the parser
        return [Window(scope, address_subject(value))] if isinstance(value, str) else []


class LoginThrottle(WindowThrottle):
    """Per client and per account; a device that the owner logged in with before has a window of its own instead, which
    no stranger can use up."""

    def windows(self, request: Request, scope: str) -> list[Window]:
        value = request.data.get("email")  # type: ignore[union-attr]  # a dict, by the parser
        return login_windows(request, value if isinstance(value, str) else "")


def login_windows(request: Request | HttpRequest, address: str) -> list[Window]:
    """Those in which a try to log in with this address counts, whether or not it has an account."""
    if device := known_device(request, address):
        return [Window("login", f"device:{device.id}")]
    client, account = client_subject(request), address_subject(address)
    return [
        Window("login", client),
        Window("login_account", f"{client} {account}", share=CLIENTS_TO_BLOCK),
        Window("login", account),
        Window("login_account", account),
    ]


def address_subject(value: str) -> str:
    return f"address:{normalize_address(value)}"
