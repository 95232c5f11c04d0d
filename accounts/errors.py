"""The errors that accounts raises: a message for the person and a code for the client."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from common.errors import ApplicationError, Category

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class AccountsError(ApplicationError):
    """Base class of all errors that accounts raises."""


class WrongCredentials(AccountsError, ValueError):
    default_message = _("The email address or password is incorrect.")
    code = "wrong_credentials"


class ChallengeFailed(AccountsError, ValueError):
    default_message = _("We couldn't confirm that you're a person. Try again.")
    code = "challenge_failed"


class EmailNotVerified(AccountsError, PermissionError):
    category = Category.FORBIDDEN
    default_message = _("Confirm your email address first. Open the link in the email we sent you.")
    code = "email_not_verified"


class TokenInvalid(AccountsError, ValueError):
    default_message = _("This link isn't valid, or it has already been used.")
    code = "token_invalid"


class TokenExpired(TokenInvalid):
    default_message = _("This link has expired. Request a new one.")
    code = "token_expired"


class LinkReplaced(TokenInvalid):
    default_message = _("We've sent you a newer link, so this one no longer works. Open the newest email.")


class UndoEnded(TokenInvalid):
    default_message = _("This change of the email address is final, so the link can't undo it anymore.")


class UndoProtected(AccountsError, PermissionError):
    """The undo link of a change of the email address can't be ended yet. The message says from when on it can."""

    category = Category.CONFLICT
    code = "undo_protected"


class NothingToKeep(AccountsError, ValueError):
    category = Category.CONFLICT
    default_message = _("No link can undo a change of your email address.")
    code = "nothing_to_keep"


class AddressTaken(AccountsError, ValueError):
    """Another account uses the email address. Only the owner of the address gets to see this."""

    category = Category.CONFLICT
    default_message = _(
        "Another account now uses this email address. Log in to that account, or choose another address."
    )
    code = "address_taken"


class DeletionRefused(AccountsError, PermissionError):
    """Carries the message of the deletion guard that refused."""

    category = Category.CONFLICT
    code = "deletion_refused"


class FieldRefused(AccountsError, ValueError):
    """One field of the input was refused."""

    def __init__(self, field: str, messages: "Sequence[StrOrPromise]") -> None:
        super().__init__(" ".join(map(str, messages)), fields={field: messages})


class WrongPassword(FieldRefused):
    def __init__(self, message: "StrOrPromise" = "") -> None:
        super().__init__("password", [message or _("The password is incorrect.")])
