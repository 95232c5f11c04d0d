"""Validators of what people type about themselves: names and passwords."""

import re
import unicodedata

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

NAME_MAX_LENGTH = 60
PASSWORD_MAX_LENGTH = 128
IDEOGRAPHIC_DOTS = str.maketrans("\u3002\uff61", "..")
LINE_OR_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})  # Unicode categories
# Mail programs make a link of these: scheme://, www., label.label with two letters or more at the end, 192.0.2.1.
LINK = re.compile(r"://|\bwww\.|[^\W_]\.[^\W\d_]{2,}|\d\.\d+\.\d+\.\d", re.IGNORECASE)


def validate_name(name: str) -> None:
    """Refuse line breaks, control characters, and whatever a mail program would turn into a link."""
    if any(unicodedata.category(character) in LINE_OR_CONTROL for character in name):
        sentence = _("A name can't contain line breaks or control characters.")
        raise ValidationError(sentence, code="control_character")
    if LINK.search(_as_read(name)):
        raise ValidationError(
            _("A name can't contain a web address. Put a space after each period."), code="web_address"
        )


def _as_read(name: str) -> str:
    """The name without invisible characters and look-alikes of the full stop."""
    visible = "".join(character for character in name if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFKC", visible).translate(IDEOGRAPHIC_DOTS)


class MaximumLengthValidator:
    """For AUTH_PASSWORD_VALIDATORS: comparing and hashing a text of any length is work that a stranger can order."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if len(password) > PASSWORD_MAX_LENGTH:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return gettext("Passwords can be at most %(maximum)d characters long.") % {"maximum": PASSWORD_MAX_LENGTH}
