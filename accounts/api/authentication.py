"""Authentication of API requests by the token in `Authorization: Token …`."""

from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import User


class TokenAuthentication(KnoxTokenAuthentication):  # type: ignore[misc]  # knox ships no types
    """Knox's authentication, which responds with 401 to malformed tokens too. Knox alone raises an exception."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        # Knox's tokens are hexadecimal digits, so this refuses no real one.
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        user, stored = super().authenticate_credentials(token)
        return user, stored
