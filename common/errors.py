"""The base class of errors that a person or an API client can act on."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Category(Enum):
    """Why a request was refused. common/api/errors.py maps it to an HTTP status."""

    INVALID = auto()  # the input is wrong
    FORBIDDEN = auto()  # the person may not do this yet
    PAYMENT_REQUIRED = auto()  # the person's bank didn't accept the payment
    CONFLICT = auto()  # the current state of the account does not allow it
    UPSTREAM = auto()  # another service rejected our request
    UNAVAILABLE = auto()  # something we depend on is down or not set up


class ApplicationError(Exception):
    """A refused request, with a message for a person and a code for an API client.

    ``fields`` contains the messages by field if single fields of the input are wrong; otherwise, it is empty.
    ``retry_after`` is set if the same request may succeed later.
    """

    category: ClassVar[Category] = Category.INVALID
    code: ClassVar[str] = "error"
    default_message: ClassVar["StrOrPromise"] = ""

    def __init__(
        self,
        message: "StrOrPromise" = "",
        *,
        fields: "Mapping[str, Sequence[StrOrPromise]] | None" = None,
        retry_after: timedelta | None = None,
    ) -> None:
        # Translated now, because another language may be active when the message is displayed.
        self.message = str(message or self.default_message)
        self.fields = {name: [str(text) for text in messages] for name, messages in (fields or {}).items()}
        self.retry_after = retry_after
        super().__init__(self.message)


class ServerBusy(ApplicationError):
    """More requests need the same resource than the server can handle. Nothing has been checked or changed."""

    category = Category.UNAVAILABLE
    default_message = _("Too many people are using this right now. Try again in a few seconds.")
    code = "server_busy"

    def __init__(self, *, retry_after: timedelta) -> None:
        super().__init__(retry_after=retry_after)
