"""What the API refuses, in words for the person and a code for the client."""

from rest_framework.exceptions import APIException
from rest_framework.status import HTTP_400_BAD_REQUEST, HTTP_403_FORBIDDEN


class AccountsError(APIException):
    """A refusal, answered as `{"detail", "code"}`."""

    status_code: int = HTTP_400_BAD_REQUEST

    def __init__(self) -> None:
        super().__init__({"detail": self.default_detail, "code": self.default_code})


class WrongCredentials(AccountsError, ValueError):
    default_detail = "The email address or the password is wrong."
    default_code = "wrong_credentials"


class EmailNotVerified(AccountsError, PermissionError):
    status_code = HTTP_403_FORBIDDEN
    default_detail = "Confirm your email address first: open the link in the mail that we sent you."
    default_code = "email_not_verified"


class TokenInvalid(AccountsError, ValueError):
    default_detail = "This link is not valid, or it was used already."
    default_code = "token_invalid"


class TokenExpired(TokenInvalid):
    default_detail = "This link has expired. Ask for a new one."
    default_code = "token_expired"


class WrongPassword(AccountsError, ValueError):
    """Answered under the name of the field."""

    def __init__(self) -> None:
        APIException.__init__(self, {"password": ["This is not the password that you signed up with."]})
