"""Authentication of API requests by the token in `Authorization: Token …`."""

from django.db import DatabaseError
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User
from common.outages import trouble_of


class TokenAuthentication(KnoxTokenAuthentication):  # type: ignore[misc]  # knox ships no types
    """Knox's authentication, which responds with 401 to malformed tokens too. Knox alone raises an exception."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        # Knox's tokens are hexadecimal digits, so this refuses no real one.
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        user, stored = super().authenticate_credentials(token)
        return user, stored

    def renew_token(self, auth_token: AuthToken) -> None:
        try:
            super().renew_token(auth_token)
        except DatabaseError as error:  # saves one column, which fails if another request has just ended the token
            if trouble_of(error):
                raise
            raise AuthenticationFailed("Invalid token.") from None


class OptionalTokenAuthentication(TokenAuthentication):
    """For public routes that keep the caller's token valid. A token that isn't valid is ignored."""

    def authenticate(self, request: Request) -> tuple[User, AuthToken] | None:
        try:
            authenticated: tuple[User, AuthToken] | None = super().authenticate(request)
        except AuthenticationFailed:
            return None
        return authenticated
