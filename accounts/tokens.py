"""The signed tokens in the links of mails. Nothing is stored: a token dies with what it was made for."""

import hashlib
from datetime import timedelta
from typing import Any

from django.core import signing
from django.utils.crypto import constant_time_compare

from accounts.errors import TokenExpired, TokenInvalid
from accounts.models import EmailChange, User

EMAIL_VERIFICATION_SALT = "accounts.email_verification"
EMAIL_VERIFICATION_LIFE = timedelta(days=7)
PASSWORD_RESET_SALT = "accounts.password_reset"  # noqa: S105  # the name of a purpose
PASSWORD_RESET_LIFE = timedelta(hours=1)
EMAIL_CHANGE_SALT = "accounts.email_change"
EMAIL_CHANGE_LIFE = timedelta(hours=24)
EMAIL_UNDO_SALT = "accounts.email_undo"
EMAIL_UNDO_LIFE = timedelta(days=7)


def make_email_verification_token(user: User) -> str:
    return signing.dumps({"user": user.pk, "email": user.email}, salt=EMAIL_VERIFICATION_SALT)


def read_email_verification_token(token: str) -> User:
    """The user whose address is to be confirmed, if it is still that address and still unconfirmed.

    Raises TokenExpired after EMAIL_VERIFICATION_LIFE, TokenInvalid for everything else.
    """
    claims = _claims(token, EMAIL_VERIFICATION_SALT, EMAIL_VERIFICATION_LIFE)
    user = User.objects.filter(pk=claims["user"], email=claims["email"], email_verified_at=None, is_active=True).first()
    if user is None:
        raise TokenInvalid
    return user


def make_password_reset_token(user: User) -> str:
    claims = {"user": user.pk, "email": user.email, "password": _fingerprint(user)}
    return signing.dumps(claims, salt=PASSWORD_RESET_SALT)


def read_password_reset_token(token: str) -> User:
    """The user who may choose a new password, if neither the password nor the address has changed since.

    Raises TokenExpired after PASSWORD_RESET_LIFE, TokenInvalid for everything else.
    """
    return _unchanged_user(_claims(token, PASSWORD_RESET_SALT, PASSWORD_RESET_LIFE))


def make_email_change_token(user: User, new_address: str) -> str:
    claims = {"user": user.pk, "email": user.email, "password": _fingerprint(user), "new": new_address}
    return signing.dumps(claims, salt=EMAIL_CHANGE_SALT)


def read_email_change_token(token: str) -> tuple[User, str]:
    """The user and the new address, if neither the password nor the old address has changed since.

    Raises TokenExpired after EMAIL_CHANGE_LIFE, TokenInvalid for everything else.
    """
    claims = _claims(token, EMAIL_CHANGE_SALT, EMAIL_CHANGE_LIFE)
    return _unchanged_user(claims), claims["new"]


def make_email_undo_token(change: EmailChange) -> str:
    return signing.dumps({"change": change.pk}, salt=EMAIL_UNDO_SALT)


def read_email_undo_token(token: str) -> EmailChange:
    """The change that is to be undone, whatever happened to the account since, unless it was undone already.

    Raises TokenExpired after EMAIL_UNDO_LIFE, TokenInvalid for everything else.
    """
    claims = _claims(token, EMAIL_UNDO_SALT, EMAIL_UNDO_LIFE)
    changes = EmailChange.objects.select_related("user")
    change = changes.filter(pk=claims["change"], undone_at=None, user__is_active=True).first()
    if change is None:
        raise TokenInvalid
    return change


def _claims(token: str, salt: str, life: timedelta) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = signing.loads(token, salt=salt, max_age=life)
    except signing.SignatureExpired:
        raise TokenExpired from None
    except signing.BadSignature:
        raise TokenInvalid from None
    return claims


def _unchanged_user(claims: dict[str, Any]) -> User:
    user = User.objects.filter(pk=claims["user"], email=claims["email"], is_active=True).first()
    if user is None or not constant_time_compare(claims["password"], _fingerprint(user)):
        raise TokenInvalid
    return user


def _fingerprint(user: User) -> str:
    """Of the stored password. It holds a random salt, so its hash can be shown: nobody can try passwords against it."""
    return hashlib.sha256(user.password.encode()).hexdigest()[:24]
