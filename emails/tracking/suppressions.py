"""Addresses that get no mail: is_suppressed, suppress, lift."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Now

from emails.models import Suppression


def suppressed_among(addresses: Iterable[str]) -> set[str]:
    """Those of the addresses, in lower case, that must not be written to now. One query."""
    wanted = {address.lower() for address in addresses}
    active = Suppression.objects.filter(Q(until=None) | Q(until__gt=Now()), address__in=wanted)
    return set(active.values_list("address", flat=True))


def is_suppressed(address: str) -> bool:
    return bool(suppressed_among([address]))


def suppress(address: str, *, cause: str, detail: str = "", until: datetime | None = None) -> None:
    """Send this address nothing more. Called again it replaces what holds for a time only: what is suppressed for good
    stays so, with its first cause."""
    said = {"cause": cause, "detail": detail, "until": until}
    address = address.lower()
    Suppression.objects.bulk_create([Suppression(address=address, **said)], ignore_conflicts=True)
    Suppression.objects.filter(address=address, until__isnull=False).update(**said)


def lift(address: str) -> bool:
    """Let mail go to this address again; returns whether it was suppressed."""
    deleted, _ = Suppression.objects.filter(address=address.lower()).delete()
    return deleted > 0
