"""The suppression list: the addresses that must not receive email. The admin removes one by deleting its row."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Now

from emails.kinds import is_requested
from emails.models import Suppression
from emails.models.suppressions import scope_of

Scope = Suppression.Scope


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Addresses, in lowercase, that are suppressed right now."""

    from_everything: Set[str]
    from_unrequested: Set[str]

    def for_kind(self, kind: str) -> Set[str]:
        """Return the addresses that must not receive this kind of email."""
        return self.from_everything if is_requested(kind) else self.from_everything | self.from_unrequested


def suppressions_of(addresses: Iterable[str]) -> Suppressed:
    """Return which of the addresses are suppressed. Takes one query."""
    wanted = {address.lower() for address in addresses}
    active = Suppression.objects.filter(Q(until=None) | Q(until__gt=Now()), address__in=wanted)
    # The outbox carries no marketing email.
    rows = [*active.exclude(scope=Scope.MARKETING).values_list("address", "scope")]
    return Suppressed(
        from_everything={address for address, scope in rows if scope != Scope.UNREQUESTED},
        from_unrequested={address for address, scope in rows if scope == Scope.UNREQUESTED},
    )


def suppressed_among(addresses: Iterable[str], kind: str = "") -> Set[str]:
    """Return the addresses, in lowercase, that must not receive this kind of email right now."""
    return suppressions_of(addresses).for_kind(kind)


def is_suppressed(address: str, kind: str = "") -> bool:
    return bool(suppressed_among([address], kind))


def suppress(address: str, *, cause: str, detail: str = "", until: datetime | None = None) -> None:
    """Suppress this address, until a given time or permanently. The cause decides what isn't sent anymore.

    Replaces a temporary suppression of the same scope. A permanent one stays as it is, with its first cause.
    """
    fields = {"cause": cause, "detail": detail, "until": until}
    key = {"address": address.lower(), "scope": scope_of(cause)}
    # After the insert, the row exists, even if another event inserts it at the same time.
    Suppression.objects.bulk_create([Suppression(**key, **fields)], ignore_conflicts=True)
    Suppression.objects.filter(**key, until__isnull=False).update(**fields)
