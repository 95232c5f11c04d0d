"""Validators for names and passwords."""

import re
import unicodedata
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from idna.core import valid_contextj

from accounts.password_guesses import is_guessable

NAME_MAX_LENGTH = 60  # strangers could use a longer one to send a message of their own in our emails
PASSWORD_MAX_LENGTH = 128
PASSWORD_MIN_BITS = 31  # more than two common words, or one with a date and a few symbols; random passwords have more
IDEOGRAPHIC_DOTS = str.maketrans("\u3002\uff61", "..")
# Unicode categories: controls, unpaired surrogates, line and paragraph separators.
LINE_OR_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Format characters (bidirectional controls, zero-width characters, tags), and characters without a defined appearance.
INVISIBLE = frozenset({"Cf", "Cn", "Co"})
# Invisible characters in the category of letters, symbols, or marks: the fillers of Hangul,
# blank symbols, the combining grapheme joiner, inherent vowels of Khmer, and variation selectors.
BLANKS = re.compile(
    "[\u115f\u1160\u3164\uffa0\u2800\ufffc\U0001d159\U00013441\U00013442"
    "\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U00016fe4\U000e0100-\U000e01ef]"
)
# Invisible characters that some scripts and emoji need, where they are needed: a selector of the glyph after the
# ideograph, letter, or emoji that it belongs to, and a joiner between two emoji. Joiners between letters are below.
EMOJI = "[\u203c-\u3299\U0001f000-\U0001faff]"
NEEDED = re.compile(
    "(?<=[\u3400-\u9fff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]"
    "|(?<=[\u1820-\u18aa])[\u180b-\u180d\u180f]"
    f"|(?<={EMOJI})\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    f"|(?<={EMOJI})\u200d(?={EMOJI})|(?<={EMOJI}\ufe0f)\u200d(?={EMOJI})"
)
JOINERS = "\u200c\u200d"
# Email programs turn these into links: scheme://, www., label.label with two or more letters at the end, 192.0.2.1.
LINK = re.compile(r"://|\bwww\.|[^\W_]\.[^\W\d_]{2,}|\d\.\d+\.\d+\.\d", re.IGNORECASE)


def validate_name(name: str) -> None:
    """Raise ValidationError for a name that isn't what it seems to be, or that email programs turn into a link.

    Names appear in emails and in the admin. Without this check, somebody could hide or reorder text there, or sign up
    with another person's email address and send them a link.
    """
    if any(unicodedata.category(character) in LINE_OR_CONTROL for character in name):
        message = _("A name can't contain line breaks or control characters.")
        raise ValidationError(message, code="control_character")
    if len(name) > NAME_MAX_LENGTH:  # refused for its length, so it isn't worth more work
        return
    if _has_invisible_characters(name):
        raise ValidationError(_("A name can't contain invisible characters."), code="invisible_character")
    if name.strip() and not any(unicodedata.category(character)[0] in "LNPS" for character in name):
        raise ValidationError(_("Enter a name that people can see."), code="nothing_visible")
    if LINK.search(_as_displayed(name)):
        raise ValidationError(
            _("A name can't contain a web address. Put a space after each period."), code="web_address"
        )


def is_valid_name(name: str) -> bool:
    try:
        validate_name(name)
    except ValidationError:
        return False
    return True


def _has_invisible_characters(name: str) -> bool:
    rest = NEEDED.sub("", name)
    return any(
        (unicodedata.category(character) in INVISIBLE or BLANKS.match(character)) and not _joins_letters(rest, position)
        for position, character in enumerate(rest)
    )


def _joins_letters(text: str, position: int) -> bool:
    """Return whether the character is a joiner in a place where Persian, Sinhala, and other scripts need one.

    The rule comes from host names (RFC 5892, appendix A): the joiner changes how the letters around it look.
    """
    if text[position] not in JOINERS:
        return False
    try:
        return valid_contextj(text, position)
    except ValueError:  # next to a character without a name
        return False


def _as_displayed(name: str) -> str:
    """Remove invisible characters and replace look-alikes of the period. Both would hide a link from the check."""
    visible = "".join(character for character in name if unicodedata.category(character) != "Cf")
    return unicodedata.normalize("NFKC", BLANKS.sub("", visible)).translate(IDEOGRAPHIC_DOTS)


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
        if is_guessable(password, PASSWORD_MIN_BITS, [*person, *product]):
            message = _(
                "This password is easy to guess: it's a common password, a name, or a pattern with few changes. Choose "
                "four unrelated words, or let a password manager create a password."
            )
            raise ValidationError(message, code="password_guessable")

    def get_help_text(self) -> str:
        return gettext("A common password or a name is easy to guess, also with digits and symbols added.")
