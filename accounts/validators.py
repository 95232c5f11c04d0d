"""Validators for names and passwords."""

import re
import unicodedata

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

NAME_MAX_LENGTH = 60  # strangers could use a longer one to send a message of their own in our emails
PASSWORD_MAX_LENGTH = 128
IDEOGRAPHIC_DOTS = str.maketrans("\u3002\uff61", "..")
LINE_OR_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})  # Unicode categories
# Email programs turn these into links: scheme://, www., label.label with two or more letters at the end, 192.0.2.1.
LINK = re.compile(r"://|\bwww\.|[^\W_]\.[^\W\d_]{2,}|\d\.\d+\.\d+\.\d", re.IGNORECASE)


def validate_name(name: str) -> None:
    """Raise ValidationError for line breaks, control characters, and text that email programs turn into a link.

    Names appear in emails. Without this check, a stranger could sign up with another person's email address and send
    them a link.
    """
    if any(unicodedata.category(character) in LINE_OR_CONTROL for character in name):
        message = _("A name can't contain line breaks or control characters.")
        raise ValidationError(message, code="control_character")
    if LINK.search(_as_displayed(name)):
        raise ValidationError(
            _("A name can't contain a web address. Put a space after each period."), code="web_address"
        )


def _as_displayed(name: str) -> str:
    """Remove invisible characters and replace look-alikes of the period. Both would hide a link from the check."""
    visible = "".join(character for character in name if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFKC", visible).translate(IDEOGRAPHIC_DOTS)


class MaximumLengthValidator:
    """Limits the length of passwords: without a limit, an attacker could make us compare and hash megabytes."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if len(password) > PASSWORD_MAX_LENGTH:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return gettext("Passwords can be at most %(maximum)d characters long.") % {"maximum": PASSWORD_MAX_LENGTH}
