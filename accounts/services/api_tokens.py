"""API tokens."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from knox.models import AuthToken
from knox.settings import knox_settings

from accounts.models import User


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new API token. It can be read only here, because the database stores a digest (`stored`)."""

    token: str
    expiry: datetime
    user: User
    stored: AuthToken


@transaction.atomic
def issue_token(*, user: User) -> IssuedToken:
    """Create a token with the lifetime that REST_KNOX configures.

    If the user then has more tokens than REST_KNOX allows, those that were not used for the longest time end. Knox
    applies this limit only in its own login view.
    """
    # With the lock, logins at the same moment can't exceed the limit together.
    User.objects.select_for_update().get(pk=user.pk)
    stored, token = AuthToken.objects.create(user=user)
    # Use extends a token's life, so the token that expires first was not used for the longest time.
    others = AuthToken.objects.filter(user=user).exclude(pk=stored.pk).order_by("-expiry", "pk")
    surplus = others.values_list("pk", flat=True)[knox_settings.TOKEN_LIMIT_PER_USER - 1 :]
    AuthToken.objects.filter(pk__in=[*surplus]).delete()
    return IssuedToken(token=token, expiry=stored.expiry, user=user, stored=stored)
