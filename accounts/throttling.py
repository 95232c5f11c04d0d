"""The rate limits of accounts, each shared by an API view and its page.

Each purpose has windows of its own. Otherwise, a stranger could use up somebody's attempts at one route with requests
to another.
"""

from collections.abc import Sequence

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.client_info import Requester
from accounts.device_cookies import known_device_id
from accounts.tokens import claimed_address
from common.email_addresses import normalize_address
from common.throttling import AnyRequest, Limits, client_subject, person_limits, person_subject
from common.windows import Window

CLIENTS_TO_BLOCK = 5  # how many clients it takes to use up the requests about an address


def address_limits(purpose: str, scope: str) -> Limits:
    """Return limits for each client, each client and email address, and each email address across all clients.

    A device that the owner of the address logged in with before has a window of its own, which strangers can't use up.
    """

    def limits(request: AnyRequest) -> Sequence[Window]:
        client, address = client_subject(request), submitted(request, "email")
        if device := known_device_id(request, address):
            return [Window(purpose, scope, f"device:{device}")]
        windows = [Window(purpose, scope, client)]
        return [*windows, *about_address(purpose, scope, address, by=client)] if address else windows

    return limits


def link_limits(purpose: str, *, checks_password: bool = False) -> Limits:
    """Return limits for a link in an email: for each client, and for each token across all clients."""

    def limits(request: AnyRequest) -> Sequence[Window]:
        client, token = client_subject(request), submitted(request, "token")
        windows = [Window(purpose, "login", client)]
        if token:
            windows.append(Window(purpose, "login", f"token:{token}"))
        # A forged token names no address, so that nobody can use up the attempts of others with it.
        if checks_password and (address := claimed_address(token)):
            windows += password_windows(request, address, by=client)
        return windows

    return limits


def login_limits(request: AnyRequest) -> Sequence[Window]:
    return login_windows(request, submitted(request, "email"))


def password_limits(request: AnyRequest) -> Sequence[Window]:
    """Return limits for a person who is logged in and enters their password.

    Somebody who finds a token or an unlocked browser must not be able to guess the password.
    """
    person = person_subject(request)
    return [
        Window("password", "login", person),
        *password_windows(request, request.user.get_username(), by=person),
    ]


def profile_limits(request: AnyRequest) -> Sequence[Window]:
    """Return the limits of the profile. Clients load it often, and deleting it takes the password."""
    if request.method in SAFE_METHODS:
        return []
    return password_limits(request) if request.method == "DELETE" else PROFILE_LIMITS(request)


def email_change_limits(request: AnyRequest) -> Sequence[Window]:
    """Return the limits for a password and for emails to the new address, with a share for each user."""
    purpose, scope, person = "email_change", "password_reset", person_subject(request)
    address = submitted(request, "email")
    about = about_address(purpose, scope, address, by=person) if address else []
    return [Window(purpose, scope, person), *about, *password_limits(request)]


def keep_address_limits(request: AnyRequest) -> Sequence[Window]:
    """Return the limits for a password, and those for emails to the person's own address."""
    return [Window("keep_address", "password_reset", person_subject(request)), *password_limits(request)]


def about_address(purpose: str, scope: str, address: str, *, by: str) -> list[Window]:
    subject = address_subject(address)
    return [
        Window(purpose, scope, f"{by} {subject}", share=CLIENTS_TO_BLOCK),
        Window(purpose, scope, subject),
    ]


def login_windows(request: AnyRequest, address: str) -> list[Window]:
    """Return the windows that a login with this email address counts in, whether or not it has an account."""
    if device := known_device_id(request, address):
        return device_windows(device)
    client = client_subject(request)
    return [Window("login", "login", client), *account_windows(address, by=client)]


def password_windows(request: AnyRequest, address: str, *, by: str) -> list[Window]:
    """Return the windows that a check of this account's password counts in, wherever it happens."""
    device = known_device_id(request, address)
    return device_windows(device) if device else account_windows(address, by=by)


def device_windows(device: str) -> list[Window]:
    """Return the windows of a device that the owner logged in with before. Strangers can't use them up."""
    subject = f"device:{device}"
    return [Window("login", "login", subject), Window("login", "login_account", subject)]


def account_windows(address: str, *, by: str) -> list[Window]:
    """Return the windows of all other devices together.

    It takes several strangers to use them up, and they are full only while the attack lasts.
    """
    account = address_subject(address)
    both = f"{by} {account}"
    return [
        Window("login", "login_account", both, share=CLIENTS_TO_BLOCK),
        Window("login", "login", both, share=CLIENTS_TO_BLOCK, is_quota=True),
        Window("login", "login", account),
        Window("login", "login_account", account),
    ]


def requester_of(request: AnyRequest, address: str) -> Requester:
    """Return who requests an email to this address, for the address's quota."""
    if device := known_device_id(request, address):
        return Requester(f"device:{device}", is_owners_device=True)
    return Requester(client_subject(request))


def submitted(request: AnyRequest, field: str) -> str:
    """Return the text in a field of the API's JSON body or of a page's form, before any validation, or ""."""
    data = request.data if isinstance(request, Request) else request.POST
    value: object = data.get(field)  # type: ignore[union-attr]  # our parser returns a dict
    return value if isinstance(value, str) else ""


def address_subject(value: str) -> str:
    return f"address:{normalize_address(value)}"


SIGNUP_LIMITS = address_limits("signup", "signup")
RESEND_LIMITS = address_limits("resend_verification", "password_reset")
RESET_LIMITS = address_limits("password_reset", "password_reset")
LOGIN_LIMITS: Limits = login_limits
VERIFY_LIMITS = link_limits("verify_email", checks_password=True)
CONFIRM_RESET_LIMITS = link_limits("reset_password")
CONFIRM_EMAIL_CHANGE_LIMITS = link_limits("confirm_email_change", checks_password=True)
UNDO_EMAIL_CHANGE_LIMITS = link_limits("undo_email_change")
KEEP_ADDRESS_LIMITS: Limits = keep_address_limits
CONFIRM_KEPT_ADDRESS_LIMITS = link_limits("keep_address_link", checks_password=True)
PROFILE_LIMITS = person_limits("profile", "login")
PASSWORD_LIMITS: Limits = password_limits
EMAIL_CHANGE_LIMITS: Limits = email_change_limits
EXPORT_LIMITS = person_limits("export", "login")
