"""What people do with their account. A service changes the database inside one transaction."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from knox.models import AuthToken
from rest_framework.request import Request

from accounts.errors import EmailNotVerified, TokenInvalid, WrongCredentials, WrongPassword
from accounts.mail import send_already_registered_email
from accounts.models import User
from accounts.tokens import read_email_verification_token


@dataclass(frozen=True, slots=True)
class Session:
    """A new token of the API, the only time it is readable: the database holds a digest."""

    token: str
    expiry: datetime
    user: User


def register_user(*, email: str, name: str, password: str) -> None:
    """Create a user, or tell the owner of the address that it has an account: the caller cannot tell which.

    Both ways hash a password, try the same insert and queue one mail, so that the clock does not tell either.
    """
    user = User(email=email, name=name)
    user.set_password(password)  # outside of the transaction: it takes longer than all the rest, and SQLite is locked
    with transaction.atomic():
        try:
            user.save()  # in a savepoint of its own
        except IntegrityError:
            send_already_registered_email(User.objects.get_by_natural_key(email))


def log_in(*, request: Request, email: str, password: str) -> Session:
    """Raises what check_credentials does."""
    return _open_session(request, check_credentials(request=request._request, email=email, password=password))


def log_in_browser(*, request: HttpRequest, email: str, password: str) -> None:
    """Raises what check_credentials does. The session gets a new key."""
    login(request, check_credentials(request=request, email=email, password=password))


def check_credentials(*, request: HttpRequest, email: str, password: str) -> User:
    """Raises WrongCredentials alike for an unknown address, an inactive user and a wrong password."""
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        raise WrongCredentials
    if settings.ACCOUNTS_EMAIL_VERIFICATION == "mandatory" and not user.is_email_verified:
        raise EmailNotVerified
    return user


@transaction.atomic
def verify_email(*, request: Request, token: str, password: str) -> Session:
    """Confirm an address, and log in. Raises what confirm_address does."""
    return _open_session(request, confirm_address(token=token, password=password))


@transaction.atomic
def verify_email_in_browser(*, request: HttpRequest, token: str, password: str) -> None:
    """Confirm an address, and log in with a new session key. Raises what confirm_address does."""
    login(request, confirm_address(token=token, password=password))


def confirm_address(*, token: str, password: str) -> User:
    """Raises TokenInvalid, TokenExpired or WrongPassword.

    The password proves that whoever opens the mail is the one who signed up: a stranger may have registered somebody
    else's address with a password of his own.
    """
    user = read_email_verification_token(token)
    if not user.check_password(password):
        raise WrongPassword
    if not user.confirm_email():
        raise TokenInvalid
    return user


def log_out(*, request: Request) -> None:
    """End the session whose token came with the request."""
    request.auth.delete()
    user_logged_out.send(sender=User, request=request._request, user=request.user)


def _open_session(request: Request, user: User) -> Session:
    stored, token = AuthToken.objects.create(user=user)
    user_logged_in.send(sender=User, request=request._request, user=user)
    return Session(token=token, expiry=stored.expiry, user=user)
