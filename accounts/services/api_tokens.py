"""API tokens."""

from dataclasses import dataclass
from datetime import datetime

from knox.models import AuthToken

from accounts.models import User


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new API token. It can be read only here, because the database stores a digest (`stored`)."""

    token: str
    expiry: datetime
    user: User
    stored: AuthToken


def issue_token(*, user: User) -> IssuedToken:
    """Create a token with the lifetime that REST_KNOX configures."""
    stored, token = AuthToken.objects.create(user=user)
    return IssuedToken(token=token, expiry=stored.expiry, user=user, stored=stored)
