"""Logging in and out: API clients get a token, browsers get a session.

Django's authentication framework needs the request. Services don't take one, so this module stands between them and
the views.
"""

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.http import HttpRequest
from knox.models import AuthToken
from rest_framework.request import Request

from accounts.errors import EmailNotVerified, WrongCredentials
from accounts.models import User
from accounts.services.api_tokens import IssuedToken, issue_token
from accounts.services.signup import confirm_address


def check_credentials(request: HttpRequest | Request, *, email: str, password: str) -> User:
    """Return the user with these credentials.

    Raises WrongCredentials for an unknown address, an inactive user, and a wrong password alike, and EmailNotVerified
    only after the right password.
    """
    # For an unknown address, Django hashes the password as well, so the response takes as long.
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        raise WrongCredentials
    if settings.ACCOUNTS_EMAIL_VERIFICATION == "mandatory" and not user.is_email_verified:
        raise EmailNotVerified
    return user


def log_in_client(request: Request, *, email: str, password: str) -> IssuedToken:
    """Log an API client in; returns its new token. Raises what check_credentials does."""
    return _log_in_with_token(request, check_credentials(request, email=email, password=password))


def log_in_browser(request: HttpRequest, *, email: str, password: str) -> User:
    """Log a browser in; its session gets a new key. Raises what check_credentials does."""
    user = check_credentials(request, email=email, password=password)
    login(request, user)
    return user


@transaction.atomic
def verify_email_in_client(request: Request, *, token: str, password: str) -> IssuedToken:
    """Confirm an email address, and log the client in. Raises what confirm_address does."""
    # In one transaction: if the login failed, the link would be used up.
    return _log_in_with_token(request, confirm_address(token=token, password=password))


@transaction.atomic
def verify_email_in_browser(request: HttpRequest, *, token: str, password: str) -> User:
    """Confirm an email address, and log the browser in. Raises what confirm_address does."""
    user = confirm_address(token=token, password=password)
    login(request, user)
    return user


def log_out_client(request: Request, *, user: User, token: AuthToken) -> None:
    token.delete()
    user_logged_out.send(sender=User, request=request, user=user, token=token)


def _log_in_with_token(request: Request, user: User) -> IssuedToken:
    issued = issue_token(user=user)
    # Django sends this signal for browsers. It sets last_login and records the login (accounts/signals.py).
    user_logged_in.send(sender=User, request=request, user=user, token=issued.stored)
    return issued
