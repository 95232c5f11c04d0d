"""Email addresses as people type them, and the one form in which they are stored and compared."""

import re
import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

EMAIL_MAX_LENGTH = 254  # RFC 3696, erratum 1690
# Django's validator allows quoted local parts, control characters in them included, bare IP addresses and domains that
# IDNA does not know. No person has such an address, and no provider delivers to it.
STRANGE = re.compile(r"[^!-~]|[\"\[\]]")


def normalize_address(address: str) -> str:
    """Lower case, composed, the domain in its ASCII form: equal for all spellings of one mailbox.

    Takes anything, a part of an address too (a search); what has no valid domain is only lower-cased.
    """
    folded = unicodedata.normalize("NFC", address.strip()).lower()
    local, at, domain = folded.rpartition("@")
    return f"{local}{at}{_to_ascii(domain)}"


def validate_address(address: str) -> None:
    """Refuse what no provider would deliver to, of an address in its normal form; raises Django's ValidationError."""
    if STRANGE.search(address) or len(address) > EMAIL_MAX_LENGTH:
        raise ValidationError(EmailValidator.message, code="invalid")
    EmailValidator()(address)


def _to_ascii(domain: str) -> str:
    if domain.isascii() or len(domain) > EMAIL_MAX_LENGTH:
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:
        return domain
