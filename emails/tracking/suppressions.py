"""The suppression list: the addresses that must not receive email. The admin removes one by deleting its row."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Now

from emails.models import Suppression


def suppressed_among(addresses: Iterable[str]) -> set[str]:
    """Return the addresses, in lowercase, that are suppressed right now. Takes one query."""
    wanted = {address.lower() for address in addresses}
    active = Suppression.objects.filter(Q(until=None) | Q(until__gt=Now()), address__in=wanted)
    return set(active.values_list("address", flat=True))


def is_suppressed(address: str) -> bool:
    return bool(suppressed_among([address]))


def suppress(address: str, *, cause: str, detail: str = "", until: datetime | None = None) -> None:
    """Suppress this address, until a given time or permanently.

    Replaces a temporary suppression. A permanent one stays as it is, with its first cause.
    """
    fields = {"cause": cause, "detail": detail, "until": until}
    address = address.lower()
    # After the insert, the row exists, even if another event inserts it at the same time.
    Suppression.objects.bulk_create([Suppression(address=address, **fields)], ignore_conflicts=True)
    Suppression.objects.filter(address=address, until__isnull=False).update(**fields)
