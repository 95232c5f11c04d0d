"""The devices that a user is logged in on: browsers with a session, and API clients with a token."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from knox.models import AuthToken

from accounts.client_info import Client
from accounts.models import Login, User, session_store


@dataclass(frozen=True, slots=True)
class Device:
    """An active login. `is_current` marks the browser that displays the list."""

    id: int
    since: datetime
    client_address: str | None
    user_agent: str
    is_browser: bool
    is_current: bool


def record_login(*, user: User, client: Client, session: SessionBase, token: AuthToken | None = None) -> None:
    """Store a login together with what ends it: the token of an API client, or the session of a browser."""
    Login.objects.create(
        user=user,
        client_address=client.address,
        user_agent=client.user_agent,
        token_digest=token.digest if token else "",
        session_key="" if token else _stored_key(session),
    )


def record_logout(*, session_key: str | None) -> None:
    """Store that this session has ended."""
    if session_key:
        Login.objects.filter(session_key=session_key).update(session_key="")


def list_devices(*, user: User, session_key: str | None) -> list[Device]:
    """Return the user's active logins, newest first. `session_key` identifies the browser that asks."""
    return [
        Device(
            id=login.pk,
            since=login.at,
            client_address=login.client_address,
            user_agent=login.user_agent,
            is_browser=not login.token_digest,
            is_current=not login.token_digest and login.session_key == session_key,
        )
        for login in _active_logins(user)
    ]


@transaction.atomic
def end_device(*, user: User, device_id: int) -> bool:
    """Log one device out; returns False if the user has no active login with this id."""
    login = next((login for login in _active_logins(user) if login.pk == device_id), None)
    if login is None:
        return False
    _end(login)
    return True


@transaction.atomic
def log_out_everywhere(*, user: User) -> None:
    """End all tokens and sessions of the user, including the caller's, and forget the known devices."""
    AuthToken.objects.filter(user=user).delete()
    # Invalidates all sessions and device cookies, even those without a login row (accounts/device_cookies.py). F()
    # counts two logouts at the same time as two, and the object in memory follows for the caller.
    user.session_generation += 1
    User.objects.filter(pk=user.pk).update(session_generation=F("session_generation") + 1)
    for login in user.logins.exclude(session_key=""):
        _end(login)


def log_out_elsewhere(*, user: User, session_key: str | None, token: AuthToken | None) -> None:
    """End all tokens and sessions of this user except these.

    For use after a change of the password, which has already made all other sessions invalid.
    """
    AuthToken.objects.filter(user=user).exclude(pk=token.pk if token else None).delete()
    for login in user.logins.exclude(session_key__in=["", session_key or ""]):
        _end(login)


def log_out_other_devices(*, user: User, session: SessionBase | None, token: AuthToken | None) -> None:
    """End all tokens and sessions of this user except these, and forget the known devices.

    For use after a change that leaves the password as it is. ``user`` must be as stored.
    """
    user.session_generation += 1
    User.objects.filter(pk=user.pk).update(session_generation=F("session_generation") + 1)
    if session is not None and session.get(SESSION_KEY) == str(user.pk):
        keep_session(session=session, user=user)
    log_out_elsewhere(user=user, session_key=session.session_key if session is not None else None, token=token)


def keep_session(*, session: SessionBase, user: User) -> None:
    """Keep this session valid after a change of the password: give it a new key and the new hash of the password.

    Does the same as Django's update_session_auth_hash, which takes a request.
    """
    # A new key, because a person who stole the old one must not stay logged in.
    old_key = session.session_key
    session.cycle_key()
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    if old_key:
        Login.objects.filter(session_key=old_key).update(session_key=_stored_key(session))


def _active_logins(user: User) -> list[Login]:
    tokens = AuthToken.objects.filter(user=user, expiry__gt=timezone.now()).values_list("digest", flat=True)
    logins = user.logins.filter(~Q(session_key="") | Q(token_digest__in=[*tokens]))
    # Asks the session engine, because an expired or deleted session leaves its key in the row.
    return [login for login in logins if login.token_digest or login.has_session()]


def _end(login: Login) -> None:
    AuthToken.objects.filter(digest=login.token_digest).delete()
    if login.session_key:
        session_store().delete(login.session_key)
        Login.objects.filter(pk=login.pk).update(session_key="")


def _stored_key(session: SessionBase) -> str:
    """Return the key of the session. A new session has none until it is stored."""
    if not session.session_key:
        session.save()
    return session.session_key or ""
