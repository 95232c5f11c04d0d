"""Logins."""

from collections.abc import Collection
from importlib import import_module
from typing import ClassVar

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone

from accounts.models.users import User


def session_store() -> SessionBase:
    """Return an empty session of the configured engine, to access stored sessions through."""
    store: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore()
    return store


def stored_sessions(keys: Collection[str]) -> set[str]:
    """Return the session keys that belong to a stored session. One query, if sessions are in the database."""
    if model := session_model():
        return set(model.objects.filter(session_key__in=keys).values_list("session_key", flat=True))
    store = session_store()
    return {key for key in keys if store.exists(key)}


def session_model() -> type[AbstractBaseSession] | None:
    """Return the model of stored sessions, or None if SESSION_ENGINE stores them outside the database."""
    return getattr(session_store(), "model", None)


class LoginQuerySet(models.QuerySet["Login"]):
    def replace_session_hash(self, old: str, new: str) -> None:
        """Keep the sessions of these logins valid after a change of what they are bound to."""
        for key in self.exclude(session_key="").values_list("session_key", flat=True):
            session = type(session_store())(key)
            if session.get(HASH_SESSION_KEY) == old:
                session[HASH_SESSION_KEY] = new
                session.save()


class Login(models.Model):
    """A login, which is kept after it has ended. It is active as long as its token or session exists."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="logins")
    at = models.DateTimeField(default=timezone.now)
    client_address = models.GenericIPAddressField("IP address", null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    # Not foreign keys: a login outlives its token and its session, and sessions may be stored outside the database.
    token_digest = models.CharField(max_length=128, blank=True, editable=False)
    session_key = models.CharField(max_length=40, blank=True, editable=False)

    objects: ClassVar[LoginQuerySet] = LoginQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["user", "-at"], name="login_newest"),
            models.Index(fields=["at", "id"], name="login_age"),  # for retention
            # Most logins have ended and have an empty key, so the index leaves them out.
            models.Index(fields=["session_key"], condition=~models.Q(session_key=""), name="login_session"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.at:%Y-%m-%d %H:%M}"

    def has_session(self) -> bool:
        return bool(self.session_key) and session_store().exists(self.session_key)
