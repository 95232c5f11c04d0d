"""Opt-outs of marketing: who must not be subscribed again, whatever a later change of their contact says.

Providers report unsubscribes, and each keeps a list of its own. Ours stays valid when the provider or a person's
address changes. It never affects transactional email.
"""

from collections.abc import Iterable, Set

from django.db import transaction
from django.db.models import QuerySet

from emails.backends import contacts_provider, email_provider_of
from emails.models import ContactChange, DeliveryEvent, Suppression
from emails.tracking.event import ReportedEvent
from emails.tracking.suppressions import suppress
from emails.wakeup import wake_worker

Scope = Suppression.Scope


def opted_out_among(addresses: Iterable[str]) -> Set[str]:
    """Return the addresses, in lowercase, that must not be subscribed. Takes one query.

    Those that bounced or complained are among them, but not those that are suppressed only for some days.
    """
    return {*permanent_suppressions(addresses).values_list("address", flat=True)}


def permanent_suppressions(addresses: Iterable[str]) -> QuerySet[Suppression]:
    return Suppression.objects.filter(address__in={address.lower() for address in addresses}, until=None)


def opt_out(address: str, detail: str = "") -> bool:
    """Record that the person wants no marketing email. Returns whether that is new."""
    if permanent_suppressions([address]).filter(scope=Scope.MARKETING).exists():
        return False
    suppress(address, cause=Suppression.Cause.UNSUBSCRIBED, detail=detail)
    return True


def keep_opt_out(former_address: str, new_address: str) -> None:
    """Record the opt-out of a person for their new address, too."""
    # A bounce says something about the former address, and only a complaint or an unsubscribe about the person.
    by_person = permanent_suppressions([former_address]).filter(scope__in=[Scope.MARKETING, Scope.UNREQUESTED])
    if by_person.exists():
        opt_out(new_address, "From the person's former email address.")


def opt_out_after(event: ReportedEvent) -> None:
    """Record the opt-out if the event is an unsubscribe from everything. The event must be about a certain recipient.

    It counts even if no message of ours is known: most marketing email doesn't go through the outbox, and the contact
    belongs to everyone who sends through the provider account.
    """
    is_from_everything = event.type == DeliveryEvent.Type.UNSUBSCRIBED and not event.is_about_a_group
    if is_from_everything and opt_out(event.recipient, f"Reported by {event.provider}."):
        report_elsewhere(event)


def report_elsewhere(event: ReportedEvent) -> None:
    """Unsubscribe the contact if it is at another provider than the one that reported the event."""
    provider = contacts_provider()
    if not provider or email_provider_of(provider) == event.provider:
        return
    ContactChange.objects.create(action=ContactChange.Action.UNSUBSCRIBE, address=event.recipient, content={})
    transaction.on_commit(wake_worker, robust=True)
