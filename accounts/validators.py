"""Validators for names and passwords."""

import re
import unicodedata
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.password_guesses import guess_bits

NAME_MAX_LENGTH = 60  # strangers could use a longer one to send a message of their own in our emails
PASSWORD_MAX_LENGTH = 128
PASSWORD_MIN_BITS = 31  # more than two common words, or one with a date and a few symbols; random passwords have more
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


class GuessablePasswordValidator:
    """Refuses common passwords and names, also with the changes that people make to satisfy rules (P@ssw0rd2024!)."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        person = [str(getattr(user, field, "")) for field in ("email", "name")]
        product = [settings.BRAND_NAME, urlsplit(settings.APP_URL).hostname or "", settings.ROOT_URLCONF.split(".")[0]]
        if guess_bits(password, [*person, *product]) < PASSWORD_MIN_BITS:
            message = _(
                "This password is easy to guess: it's a common password, a name, or a pattern with few changes. Choose "
                "four unrelated words, or let a password manager create a password."
            )
            raise ValidationError(message, code="password_guessable")

    def get_help_text(self) -> str:
        return gettext("A common password or a name is easy to guess, also with digits and symbols added.")
