"""Who sends this request: the token in `Authorization: Token …`."""

from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import User


class TokenAuthentication(KnoxTokenAuthentication):  # type: ignore[misc]  # knox ships no types
    """Knox's, with an answer of 401 to bytes that are no token at all, on which knox fails."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        user, stored = super().authenticate_credentials(token)
        return user, stored
