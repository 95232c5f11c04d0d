"""Signed tokens for the links in emails.

Tokens are not stored. Each contains the state that it was made for, so it becomes invalid when that state changes. Most
also contain the ID of their link. Only the ID of the newest link of each purpose is stored, which ends the older ones.
"""

import hashlib
from datetime import timedelta
from secrets import randbits
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, get_random_string

from accounts.errors import LinkReplaced, TokenExpired, TokenInvalid, UndoEnded
from accounts.models import EmailChange, NewestLink, Purpose, User

# One salt for each purpose: a token from one email is never accepted in place of another.
EMAIL_VERIFICATION_SALT = "accounts.email_verification"
EMAIL_VERIFICATION_LIFE = timedelta(days=7)
PASSWORD_RESET_SALT = "accounts.password_reset"  # noqa: S105  # a salt, not a password
PASSWORD_RESET_LIFE = timedelta(hours=1)
EMAIL_CHANGE_SALT = "accounts.email_change"
EMAIL_CHANGE_LIFE = timedelta(hours=24)
EMAIL_UNDO_SALT = "accounts.email_undo"
EMAIL_UNDO_LIFE = timedelta(days=settings.ACCOUNTS_UNDO_DAYS)
EMAIL_KEEP_SALT = "accounts.email_keep"
EMAIL_KEEP_LIFE = timedelta(hours=24)


def new_link_id() -> str:
    return get_random_string(12)


def end_older_links(user: User, purpose: Purpose, newest: str) -> None:
    """Store the ID of the newest link of this purpose.

    For a user who does not exist, a row is written and deleted again. Nobody can therefore measure whether an email
    address has an account.
    """
    nobody = -randbits(62)
    NewestLink.objects.bulk_create(
        [NewestLink(user_id=user.pk or nobody, purpose=purpose, link_id=newest)],
        update_conflicts=True,
        unique_fields=["user", "purpose"],
        update_fields=["link_id"],
    )
    NewestLink.objects.filter(user=nobody).delete()


# Tokens. A maker takes the ID of the link, which is empty if no link of this purpose was sent before.


def make_email_verification_token(user: User, link_id: str = "") -> str:
    claims = {"user": user.pk, "email": user.email, "link": link_id}
    return signing.dumps(claims, salt=EMAIL_VERIFICATION_SALT)


def read_email_verification_token(token: str) -> User:
    """Return the user whose email address the token confirms.

    Raises TokenExpired after EMAIL_VERIFICATION_LIFE, LinkReplaced after a newer link was sent, and TokenInvalid if the
    token is not valid, or if the address has been changed or confirmed in the meantime.
    """
    claims = _claims(token, EMAIL_VERIFICATION_SALT, EMAIL_VERIFICATION_LIFE)
    user = User.objects.filter(pk=claims["user"], email=claims["email"], email_verified_at=None, is_active=True).first()
    if user is None:
        raise TokenInvalid
    _check_newest(claims, user, Purpose.CONFIRMATION)
    return user


def make_password_reset_token(user: User, link_id: str = "") -> str:
    return signing.dumps({**_state(user), "link": link_id}, salt=PASSWORD_RESET_SALT)


def read_password_reset_token(token: str) -> User:
    """Return the user who may choose a new password.

    Raises TokenExpired after PASSWORD_RESET_LIFE, LinkReplaced after a newer link was sent, and TokenInvalid if the
    token is not valid, or if the password or the email address has been changed in the meantime.
    """
    return _unchanged_user(_claims(token, PASSWORD_RESET_SALT, PASSWORD_RESET_LIFE), Purpose.RESET)


def make_email_change_token(user: User, new_address: str, link_id: str = "") -> str:
    claims = {**_state(user), "new": new_address, "link": link_id}
    return signing.dumps(claims, salt=EMAIL_CHANGE_SALT)


def read_email_change_token(token: str) -> tuple[User, str]:
    """Return the user and the new email address.

    Raises TokenExpired after EMAIL_CHANGE_LIFE, LinkReplaced after a newer link was sent, and TokenInvalid if the token
    is not valid, or if the password or the email address has been changed in the meantime.
    """
    claims = _claims(token, EMAIL_CHANGE_SALT, EMAIL_CHANGE_LIFE)
    return _unchanged_user(claims, Purpose.CHANGE), claims["new"]


def make_email_undo_token(change: EmailChange) -> str:
    return signing.dumps({"change": change.pk}, salt=EMAIL_UNDO_SALT)


def read_email_undo_token(token: str) -> EmailChange:
    """Return the change to undo. Later changes to the account don't matter, since an attacker may have made them.

    Raises TokenExpired after EMAIL_UNDO_LIFE, UndoEnded if the change is final, and TokenInvalid if the token is not
    valid or the change is undone.
    """
    claims = _claims(token, EMAIL_UNDO_SALT, EMAIL_UNDO_LIFE)
    changes = EmailChange.objects.select_related("user")
    change = changes.filter(pk=claims["change"], undone_at=None, user__is_active=True).first()
    if change is None:
        raise TokenInvalid
    if change.final_at:
        raise UndoEnded
    return change


def make_email_keep_token(user: User, link_id: str = "") -> str:
    return signing.dumps({**_state(user), "link": link_id}, salt=EMAIL_KEEP_SALT)


def read_email_keep_token(token: str) -> User:
    """Return the user who may make the changes of the email address final.

    Raises TokenExpired after EMAIL_KEEP_LIFE, LinkReplaced after a newer link was sent, and TokenInvalid if the token
    is not valid, or if the password or the email address has been changed in the meantime.
    """
    return _unchanged_user(_claims(token, EMAIL_KEEP_SALT, EMAIL_KEEP_LIFE), Purpose.KEEP)


def _claims(token: str, salt: str, life: timedelta) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = signing.loads(token, salt=salt, max_age=life)
    except signing.SignatureExpired:
        raise TokenExpired from None
    except signing.BadSignature:
        raise TokenInvalid from None
    return claims


def _state(user: User) -> dict[str, Any]:
    return {"user": user.pk, "email": user.email, "password": _fingerprint(user)}


def _unchanged_user(claims: dict[str, Any], purpose: Purpose) -> User:
    user = User.objects.filter(pk=claims["user"], email=claims["email"], is_active=True).first()
    if user is None or not constant_time_compare(claims["password"], _fingerprint(user)):
        raise TokenInvalid
    _check_newest(claims, user, purpose)
    return user


def _check_newest(claims: dict[str, Any], user: User, purpose: Purpose) -> None:
    newest = NewestLink.objects.filter(user=user, purpose=purpose).first()
    # Links from before the upgrade that introduced the IDs have none. They work until a newer one is sent.
    if newest is not None and newest.link_id != claims.get("link", ""):
        raise LinkReplaced


def _fingerprint(user: User) -> str:
    """Return a hash that changes with the password.

    It is made from the stored password, which contains a random salt. A token therefore doesn't help to guess the
    password.
    """
    return hashlib.sha256(user.password.encode()).hexdigest()[:24]  # 96 bits, which keeps the link short
