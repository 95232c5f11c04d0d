"""What accounts refuses, in words for the person and a code for the client."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException
from rest_framework.status import HTTP_400_BAD_REQUEST, HTTP_403_FORBIDDEN, HTTP_409_CONFLICT

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class AccountsError(APIException):
    """A refusal, answered as `{"detail", "code"}`."""

    status_code: int = HTTP_400_BAD_REQUEST

    def __init__(self, sentence: "StrOrPromise" = "") -> None:
        super().__init__({"detail": sentence or self.default_detail, "code": self.default_code})


class WrongCredentials(AccountsError, ValueError):
    default_detail = _("The email address or password is incorrect.")
    default_code = "wrong_credentials"


class EmailNotVerified(AccountsError, PermissionError):
    status_code = HTTP_403_FORBIDDEN
    default_detail = _("Confirm your email address first. Open the link in the email we sent you.")
    default_code = "email_not_verified"


class TokenInvalid(AccountsError, ValueError):
    default_detail = _("This link isn't valid, or it has already been used.")
    default_code = "token_invalid"


class TokenExpired(TokenInvalid):
    default_detail = _("This link has expired. Request a new one.")
    default_code = "token_expired"


class AddressTaken(AccountsError, ValueError):
    """Only told to somebody who proved that the address is theirs."""

    status_code = HTTP_409_CONFLICT
    default_detail = _(
        "Another account now uses this email address. Log in to that account, or choose another address."
    )
    default_code = "address_taken"


class DeletionRefused(AccountsError, PermissionError):
    """With the sentence of the guard that refused."""

    status_code = HTTP_409_CONFLICT
    default_code = "deletion_refused"


class FieldRefused(AccountsError, ValueError):
    """Answered under the name of the field."""

    def __init__(self, field: str, sentences: "Sequence[StrOrPromise]") -> None:
        APIException.__init__(self, {field: list(sentences)})


class WrongPassword(FieldRefused):
    def __init__(self, sentence: "StrOrPromise" = "") -> None:
        super().__init__("password", [sentence or _("The password is incorrect.")])
