"""The events that are processed after their request: by the sweep, once an address is known, or by staff."""

import logging
from dataclasses import dataclass
from typing import Any

from django.db import Error
from django.db.models.functions import Now

from billing.models import Customer, StripeEvent
from billing.webhook.envelope import Envelope, NotAnEvent
from billing.webhook.processing import process
from billing.webhook.storage import SWEEP_DELAY
from common.db import index_walks
from common.outages import trouble_of

logger = logging.getLogger(__name__)

# A beat task sweeps every 15 seconds, so a larger backlog is worked off in several rounds.
EVENTS_PER_SWEEP = 200

Status = StripeEvent.Status


def sweep() -> int:
    """Process the events that a dead process, a failed handler, or a missing address left behind.

    Returns how many were due, at most 200.
    """
    release_events_of_known_customers()
    with index_walks():
        due = list(StripeEvent.objects.due()[:EVENTS_PER_SWEEP])
    for event in due:
        try:
            process_stored(event)
        # A deadlock with a webhook's request ends only this event's transaction. It is still due, and the others aren't
        # affected.
        except Error as error:
            if not trouble_of(error):
                raise
            logger.exception("Stripe event %s could not be processed just now.", event.pk)
    return len(due)


def release_events_of_known_customers() -> None:
    """Make the events due that counted as somebody else's because they arrived together with their customer's first."""
    # If both are processed at the same moment, neither transaction sees the other's row.
    waiting = StripeEvent.objects.recent().exclude(waits_for="").filter(status=Status.PROCESSED)
    # order_by() removes the model's ordering, which would sort the customers.
    known = Customer.objects.ours().filter(pk__in=waiting.values("waits_for")).order_by()
    with index_walks():
        if ours := [*known.values_list("pk", flat=True)]:
            waiting.filter(waits_for__in=ours).make_due()


def process_waiting(customer_id: str, **_: Any) -> None:
    """Receiver of ``customer_found``: process the events that waited for this customer's address or owner."""
    with index_walks():
        due = list(StripeEvent.objects.due().filter(waits_for=customer_id))
    for event in due:
        process_stored(event)


def process_stored(event: StripeEvent) -> None:
    # Erasure empties the bodies of a person's events, including those that were still due. Without its body, an event
    # can never be processed, so it must not stay due forever.
    if not event.body:
        settle(event, "Its body has been erased.")
        return
    try:
        envelope = Envelope.read(event.body.encode())
    # Stored by an older release, which accepted what isn't JSON.
    except NotAnEvent as error:
        settle(event, str(error))
    else:
        process(envelope)


def settle(event: StripeEvent, note: str) -> None:
    StripeEvent.objects.filter(pk=event.pk).update(status=Status.PROCESSED, due_at=None, note=note)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of reprocessing an event, with a sentence for the member of staff who started it."""

    is_processed: bool
    sentence: str


def reprocess(event: StripeEvent) -> Outcome:
    """Process the event now, whatever its status, and return the outcome. Also reloads ``event``."""
    if not event.body:
        return Outcome(False, "Its body has been erased, so there is nothing left to process.")
    # process() skips events that are processed. Repeating one is safe: an email is unique by its key, a payment by its
    # id at Stripe, and a subscription's state by its version.
    processed = StripeEvent.objects.filter(pk=event.pk, status=Status.PROCESSED)
    processed.update(status=Status.RECEIVED, processed_at=None, due_at=Now() + SWEEP_DELAY)
    process_stored(event)
    event.refresh_from_db()
    return outcome_of(event)


def outcome_of(event: StripeEvent) -> Outcome:
    """Return the outcome of the last attempt, from the event's row."""
    if event.status == Status.PROCESSED:
        return Outcome(True, f"Processed. {event.note}".strip())
    if event.status == Status.FAILED:
        return Outcome(False, f"Our own code failed on it: {event.error.strip().splitlines()[-1]}")
    return Outcome(False, event.note or "Another process is handling it right now. Check again in a minute.")
