"""Who is alerted when somebody has to act at Stripe."""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from common.email_addresses import normalize_address, validate_address

logger = logging.getLogger(__name__)


def addresses() -> list[str]:
    """Return the usable addresses in BILLING_ALERT_EMAILS, or else in ADMINS, each once."""
    return [*dict.fromkeys(address for address in configured() if is_usable(address))]


def configured() -> list[str]:
    return [normalize_address(address) for address in settings.BILLING_ALERT_EMAILS or admins(settings.ADMINS)]


def admins(entries: Iterable[Any]) -> Iterator[str]:
    """Yield the addresses. Django 6 has them alone, and older versions in pairs with a name."""
    for entry in entries:
        yield entry if isinstance(entry, str) else str(entry[1])


def is_usable(address: str) -> bool:
    try:
        validate_address(address)
    except ValidationError:
        # An event about money must not fail because of it. The check billing.E021 names it at startup.
        logger.error("One of the addresses in BILLING_ALERT_EMAILS or ADMINS can't be used.")
        return False
    return True
