"""What may stand in a person's name. A mail greets by it, so a sign-up form would otherwise be a spam relay."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MAXIMUM_LENGTH = 60
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
