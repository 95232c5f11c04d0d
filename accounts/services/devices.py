"""Where a person is logged in: browsers by their sessions, clients of the API by their tokens."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone
from knox.models import AuthToken

from accounts.client_info import client_address, user_agent
from accounts.models import Login, User, session_store


@dataclass(frozen=True, slots=True)
class Device:
    """A login that still lives. `is_current`: the request that asks comes from it."""

    id: int
    since: datetime
    client_address: str | None
    user_agent: str
    is_browser: bool
    is_current: bool


def record_login(*, request: HttpRequest, user: User, token: AuthToken | None = None) -> None:
    """Note a login, with what it lives by: the token, or without one the session of the request."""
    Login.objects.create(
        user=user,
        client_address=client_address(request),
        user_agent=user_agent(request),
        token_digest=token.digest if token else "",
        session_key="" if token else _key_of(request),
    )


def record_logout(*, request: HttpRequest) -> None:
    """Note that the session of the request ends."""
    if key := request.session.session_key:
        Login.objects.filter(session_key=key).update(session_key="")


def list_devices(*, user: User, request: HttpRequest, token: AuthToken | None = None) -> list[Device]:
    """Newest first. `token`: the one that came with the request, if it is one of the API's."""
    digest, key = (token.digest, None) if token else (None, request.session.session_key)
    return [
        Device(
            id=login.pk,
            since=login.at,
            client_address=login.client_address,
            user_agent=login.user_agent,
            is_browser=not login.token_digest,
            is_current=digest == login.token_digest if login.token_digest else key == login.session_key,
        )
        for login in _living(user)
    ]


@transaction.atomic
def end_device(*, user: User, device_id: int) -> bool:
    """Log one device of this person out; False when they have no such device (any more)."""
    login = next((login for login in _living(user) if login.pk == device_id), None)
    if login is None:
        return False
    _end(login)
    return True


@transaction.atomic
def log_out_everywhere(*, user: User) -> None:
    """End all tokens and sessions of this person, those of the caller included, and forget the known devices."""
    AuthToken.objects.filter(user=user).delete()
    user.session_generation += 1
    User.objects.filter(pk=user.pk).update(session_generation=F("session_generation") + 1)
    for login in user.logins.exclude(session_key=""):
        _end(login)


def log_out_elsewhere(*, user: User, request: HttpRequest, token: AuthToken | None) -> None:
    """End all tokens and sessions but those that came with the request. For after a change of the password, by which
    all other sessions have ended already."""
    AuthToken.objects.filter(user=user).exclude(pk=token.pk if token else None).delete()
    for login in user.logins.exclude(session_key__in=["", request.session.session_key or ""]):
        _end(login)


def follow_session(*, request: HttpRequest, old_key: str | None) -> None:
    """Let the login of this session be found again after its key was changed."""
    if old_key:
        Login.objects.filter(session_key=old_key).update(session_key=_key_of(request))


def _living(user: User) -> list[Login]:
    tokens = AuthToken.objects.filter(user=user, expiry__gt=timezone.now()).values_list("digest", flat=True)
    logins = user.logins.filter(~Q(session_key="") | Q(token_digest__in=[*tokens]))
    return [login for login in logins if login.token_digest or login.has_session()]


def _end(login: Login) -> None:
    AuthToken.objects.filter(digest=login.token_digest).delete()
    if login.session_key:
        session_store().delete(login.session_key)
        Login.objects.filter(pk=login.pk).update(session_key="")


def _key_of(request: HttpRequest) -> str:
    """That of the session, which is stored for it if it is new."""
    if not request.session.session_key:
        request.session.save()
    return request.session.session_key or ""
