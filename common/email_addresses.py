"""Email addresses: their normal form, in which they are stored and compared, and their validation."""

import re
import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

EMAIL_MAX_LENGTH = 254  # RFC 3696, erratum 1690
# Django's validator allows quoted local parts, even with control characters, IP addresses, and domains that are invalid
# in IDNA. Providers don't deliver to such addresses.
UNDELIVERABLE = re.compile(r"[^!-~]|[\"\[\]]")


def normalize_address(address: str) -> str:
    """Return the address in lower case and in Unicode NFC, with the domain in ASCII, so that all spellings are equal.

    Accepts any text, such as part of an address in a search. If the domain is invalid, it stays in Unicode.
    """
    folded = unicodedata.normalize("NFC", address.strip()).lower()
    local, at, domain = folded.rpartition("@")
    if len(domain) > EMAIL_MAX_LENGTH:  # can't be valid, so it isn't worth encoding
        return folded
    try:
        return f"{local}{at}{encode_domain(domain)}"
    except UnicodeError:
        return folded


def validate_address(address: str) -> None:
    """Raise Django's ValidationError if no provider would deliver to this address. Takes its normal form."""
    if UNDELIVERABLE.search(address) or len(address) > EMAIL_MAX_LENGTH:
        raise ValidationError(EmailValidator.message, code="invalid")
    EmailValidator()(address)


def encode_domain(domain: str) -> str:
    """Return the domain in ASCII (IDNA 2008). Raises idna.IDNAError, a UnicodeError, if it is invalid."""
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
