"""Stored events that are processed after their request: by the sweep, once an address is known, or by staff."""

import logging
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now

from billing.models import StripeEvent
from billing.webhook.envelope import Envelope
from billing.webhook.processing import process
from billing.webhook.storage import SWEEP_DELAY

logger = logging.getLogger(__name__)

EVENTS_PER_SWEEP = 200

Status = StripeEvent.Status


def sweep() -> int:
    """Process the events that a dead process, a failed handler, or a missing address left behind.

    Returns how many were due, at most 200.
    """
    due = list(StripeEvent.objects.due()[:EVENTS_PER_SWEEP])
    for event in due:
        try:
            process_stored(event)
        except (OperationalError, InterfaceError):
            logger.exception("Stripe event %s could not be processed just now.", event.pk)
    return len(due)


def process_waiting(customer_id: str, **_: Any) -> None:
    """Receiver of ``address_found``: process the events whose emails waited for this customer's address."""
    for event in StripeEvent.objects.due().filter(waits_for=customer_id):
        process_stored(event)


def process_stored(event: StripeEvent) -> None:
    # Erasure blanks the bodies of a person's events, including those that were still due.
    if event.body:
        process(Envelope.read(event.body.encode()))
    else:
        StripeEvent.objects.filter(pk=event.pk).update(
            status=Status.PROCESSED, due_at=None, note="Its body has been erased."
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of reprocessing an event, with a sentence for the person who asked for it."""

    is_processed: bool
    sentence: str


def reprocess(event: StripeEvent) -> Outcome:
    """Process the event now, whatever its status, and reload the row. Safe to call at any time."""
    if not event.body:
        return Outcome(False, "Its body has been erased, so there is nothing left to process.")
    # Every change is guarded by its own key or version, so processing an event again repeats none of them.
    processed = StripeEvent.objects.filter(pk=event.pk, status=Status.PROCESSED)
    processed.update(status=Status.RECEIVED, processed_at=None, due_at=Now() + SWEEP_DELAY)
    process_stored(event)
    event.refresh_from_db()
    if event.status == Status.PROCESSED:
        return Outcome(True, f"Processed. {event.note}".strip())
    if event.status == Status.FAILED:
        return Outcome(False, f"Our own code failed on it: {event.error.strip().splitlines()[-1]}")
    return Outcome(False, event.note or "Another process is handling it right now. Check again in a minute.")
