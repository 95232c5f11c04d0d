"""Logging in and out: a token for the API, a session for browsers."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.http import HttpRequest
from knox.models import AuthToken

from accounts.errors import EmailNotVerified, WrongCredentials
from accounts.models import User
from accounts.services.signup import confirm_address


@dataclass(frozen=True, slots=True)
class Session:
    """A new token of the API, the only time it is readable: the database holds a digest."""

    token: str
    expiry: datetime
    user: User


def check_credentials(*, request: HttpRequest, email: str, password: str) -> User:
    """Raises WrongCredentials alike for an unknown address, an inactive user and a wrong password; EmailNotVerified
    only after the right one."""
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        raise WrongCredentials
    if settings.ACCOUNTS_EMAIL_VERIFICATION == "mandatory" and not user.is_email_verified:
        raise EmailNotVerified
    return user


def log_in(*, request: HttpRequest, email: str, password: str) -> Session:
    """Raises what check_credentials does."""
    return _open_session(request, check_credentials(request=request, email=email, password=password))


def log_in_browser(*, request: HttpRequest, email: str, password: str) -> User:
    """Raises what check_credentials does. The session gets a new key."""
    user = check_credentials(request=request, email=email, password=password)
    login(request, user)
    return user


@transaction.atomic
def verify_email(*, request: HttpRequest, token: str, password: str) -> Session:
    """Confirm an address, and log in. Raises what confirm_address does."""
    return _open_session(request, confirm_address(token=token, password=password))


@transaction.atomic
def verify_email_in_browser(*, request: HttpRequest, token: str, password: str) -> User:
    """Confirm an address, and log in with a new session key. Raises what confirm_address does."""
    user = confirm_address(token=token, password=password)
    login(request, user)
    return user


def log_out(*, request: HttpRequest, user: User, token: AuthToken) -> None:
    """End the session that has this token."""
    token.delete()
    user_logged_out.send(sender=User, request=request, user=user, token=token)


def _open_session(request: HttpRequest, user: User) -> Session:
    stored, token = AuthToken.objects.create(user=user)
    user_logged_in.send(sender=User, request=request, user=user, token=stored)
    return Session(token=token, expiry=stored.expiry, user=user)
