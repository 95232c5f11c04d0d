"""Links events to messages if they arrived before the provider's ID of the message was stored.

Sequenzy's events contain only its own message ID. We learn that ID from the response to the call, and an event can
arrive before the response has been recorded. It is then stored without a message and linked later.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from common.db import database_now
from emails.models import DeliveryEvent, OutboundEmail
from emails.tracking import bounces, statuses

# Older events stay unlinked: they belong to messages that didn't go through the outbox.
LINK_WITHIN = timedelta(days=1)


@transaction.atomic
def link_early_events(provider: str, message_ids: Mapping[UUID, str]) -> None:
    """Link the events of these messages and apply them. ``message_ids`` maps our IDs to the provider's."""
    by_provider_id = {message_id: pk for pk, message_id in message_ids.items() if message_id}
    unlinked = DeliveryEvent.objects.filter(provider=provider, email=None, provider_message_id__in=by_provider_id)
    # Sorted here, because a sort in the database would come with a plan that depends on statistics.
    events = sorted(unlinked.defer("raw"), key=lambda event: event.occurred_at)
    if not events:
        return
    keys = {by_provider_id[event.provider_message_id] for event in events}
    emails = {email.pk: email for email in OutboundEmail.objects.filter(pk__in=keys).select_for_update()}
    for event in events:
        link(event, emails.get(by_provider_id[event.provider_message_id]))
    statuses.apply([(event, event.email) for event in events])
    # In the order of recording.py, because suppressing locks a row.
    for event in sorted(events, key=lambda event: event.recipient):
        # If events without a message suppress too, this one already has, and staff may have lifted it since.
        if event.email and event.recipient and not settings.EMAIL_SUPPRESS_AFTER_FOREIGN_EVENTS:
            bounces.suppress_after(event, event.email)


def link(event: DeliveryEvent, email: OutboundEmail | None) -> None:
    """Link the event, and forget its recipient if it may be about another one of the message."""
    if email is None:
        return
    event.email = email
    if not bounces.was_sent_to(event, email):
        event.recipient = ""
    if email.is_erased:
        event.recipient, event.detail, event.raw = "", "", None
    event.save(update_fields=["email", "recipient", "detail", "raw"] if email.is_erased else ["email", "recipient"])


def link_unlinked_events() -> None:
    """Link events that link_early_events() missed.

    If an event and the ID of its message are stored simultaneously, neither transaction sees the other's row.
    """
    since = database_now() - LINK_WITHIN
    unlinked = DeliveryEvent.objects.filter(email=None, received_at__gte=since).exclude(provider_message_id="")
    ids = set(unlinked.values_list("provider", "provider_message_id"))
    rows = OutboundEmail.objects.filter(provider_message_id__in=[message_id for _, message_id in ids])
    for email in rows.only("provider", "provider_message_id"):
        # An ID is unique only within its provider.
        if (email.provider, email.provider_message_id) in ids:
            link_early_events(email.provider, {email.pk: email.provider_message_id})
