"""Logging in and out: API clients get a token, browsers get a session.

Django's authentication framework needs the request. Services don't take one, so this module stands between them and
the views.
"""

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.db.models import Exists
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from knox.models import AuthToken
from rest_framework.request import Request

from accounts.errors import EmailNotVerified, WrongCredentials
from accounts.hashers import is_outdated
from accounts.models import User
from accounts.models.users import password_forms
from accounts.services.api_tokens import IssuedToken, issue_token
from accounts.services.signup import confirm_address, prove_sign_up


def check_credentials(request: HttpRequest | Request, *, email: str, password: str) -> User:
    """Return the user with these credentials.

    Raises WrongCredentials for an unknown address, an inactive user, and a wrong password alike, and EmailNotVerified
    only after the right password.
    """
    # For an unknown address, Django hashes the password as well, so the response takes as long.
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        imitate_outdated_hash(email=email, password=password)
        raise WrongCredentials
    if settings.ACCOUNTS_EMAIL_VERIFICATION == "mandatory" and not user.is_email_verified:
        raise EmailNotVerified
    return user


def imitate_outdated_hash(*, email: str, password: str) -> None:
    """After a failed login, take as long for an unknown email address as for one of the accounts.

    Passwords that were hashed with other parameters, before an upgrade or an import, take longer to check until their
    users log in again. If unknown addresses never did, a slow response would prove that there is an account. Each of
    them therefore stands for one of the accounts, always the same one, and costs what that account would. An unknown
    address is then as likely to be slow as a known one. Costs two queries for every address.
    """
    is_known = Exists(User.objects.filter(email=email))
    newest = User.objects.order_by("-pk").annotate(is_known=is_known).values_list("pk", "is_known").first()
    if newest is None:
        return
    count, known = newest
    if not known:
        # An account's hash is compared with each form that the password could have had before.
        for form in password_forms(password)[1:]:
            make_password(form)
    # The next account if that one was deleted. There always is one, because the newest has the highest number.
    accounts = User.objects.filter(pk__gt=_choose(email, count)).order_by("pk")
    stored = accounts.values_list("password", flat=True).first()
    if not known and stored and is_outdated(stored):
        check_password(password, stored)


def _choose(email: str, count: int) -> int:
    """Return a number below count that nobody without SECRET_KEY can tell in advance.

    While count grows, the number stays the same or becomes one of the new ones. A new account has an up-to-date hash,
    so, as with a known address, the response can become faster but not slower. (Jump consistent hash,
    https://arxiv.org/abs/1406.2294)
    """
    key = int.from_bytes(salted_hmac("accounts.login.choose", email, algorithm="sha256").digest()[:8])
    chosen, jump = 0, 0
    while jump < count:
        chosen = jump
        key = (key * 2862933555777941757 + 1) % 2**64
        jump = int((chosen + 1) * (2**31 / ((key >> 33) + 1)))
    return chosen


def log_in_client(request: Request, *, email: str, password: str) -> IssuedToken:
    """Log an API client in; returns its new token. Raises what check_credentials does."""
    return _log_in_with_token(request, check_credentials(request, email=email, password=password))


def log_in_browser(request: HttpRequest, *, email: str, password: str) -> User:
    """Log a browser in; its session gets a new key. Raises what check_credentials does."""
    user = check_credentials(request, email=email, password=password)
    login(request, user)
    return user


def verify_email_in_client(request: Request, *, token: str, password: str) -> IssuedToken:
    """Confirm an email address, and log the client in. Raises what prove_sign_up and confirm_address do."""
    user = prove_sign_up(token=token, password=password)  # slow by design, so before the transaction, as everywhere
    with transaction.atomic():  # if the login failed, the link would be used up
        confirm_address(user=user)
        return _log_in_with_token(request, user)


def verify_email_in_browser(request: HttpRequest, *, token: str, password: str) -> User:
    """Confirm an email address, and log the browser in. Raises what prove_sign_up and confirm_address do."""
    user = prove_sign_up(token=token, password=password)
    with transaction.atomic():
        confirm_address(user=user)
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
