"""The path of an event: it is stored once, and then processed once, in a transaction of its own.

If the process dies in between, or a handler fails, the row remains due and the sweep in backlog.py processes it.
"""

import logging
import traceback

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from billing.models import StripeEvent
from billing.payloads import UnusableObject
from billing.services.customers import AddressUnknown, PersonErased
from billing.webhook import retries, storage
from billing.webhook.envelope import Envelope
from billing.webhook.handlers import HANDLERS
from common.failpoints import failpoint

logger = logging.getLogger(__name__)

MAX_NOTE_LENGTH = 255


def receive(body: bytes) -> None:
    """Store the event, and process it unless that has been done.

    Raises ``NotAnEvent``, and Django's database errors if the event could not be stored or processed. Stripe must send
    it again then.
    """
    envelope = Envelope.read(body)
    storage.store(envelope, body.decode(), expects_invoice=expected_invoice(envelope))
    # From here on the event survives whatever happens to this process.
    failpoint("after-store")
    process(envelope)


def expected_invoice(envelope: Envelope) -> str:
    """Return the id of the invoice that a purchased subscription produces, whose invoice.paid event should follow."""
    is_purchase = envelope.type == "checkout.session.completed" and envelope.data.text("mode") == "subscription"
    return envelope.data.ref("invoice") if is_purchase and not reason_to_ignore(envelope) else ""


def process(envelope: Envelope) -> None:
    """Process a stored event, unless that has been done. If our own code fails, record that and try again later."""
    try:
        with transaction.atomic():
            if StripeEvent.objects.claim(envelope.id):
                run_handler(envelope)
    except (OperationalError, InterfaceError):
        # The database is away or ended this transaction to resolve a deadlock. Nothing can be recorded, and nothing has
        # to be: the event is still due.
        raise
    except Exception:
        logger.exception("Processing Stripe event %s (%s) failed. It will be retried.", envelope.id, envelope.type)
        retries.record_failure(envelope.id, traceback.format_exc())


def run_handler(envelope: Envelope) -> None:
    """Run the event's handler, and store a note if it changed less than it should."""
    note = reason_to_ignore(envelope)
    try:
        if not note:
            HANDLERS[envelope.type](envelope)
    # Repeating the event would not help in either case, so it counts as processed.
    except (UnusableObject, PersonErased) as error:
        note = str(error)
    except AddressUnknown as error:
        # Only the email is missing. Everything else the handler did is committed, and a repeat won't do it twice.
        note = retries.wait_for_address(envelope.id, error)
    if note:
        logger.info("Stripe event %s (%s): %s", envelope.id, envelope.type, note)
        StripeEvent.objects.filter(pk=envelope.id).update(note=note[:MAX_NOTE_LENGTH])


def reason_to_ignore(envelope: Envelope) -> str:
    """Return why the event must not change anything here, or an empty string if it may."""
    # Events of connected accounts concern the customers of those accounts, not ours.
    if envelope.account:
        return f"It belongs to the connected account {envelope.account}."
    if settings.STRIPE_LIVEMODE not in (None, envelope.livemode):
        mode = "live" if envelope.livemode else "test"
        return f"It is a {mode} mode event, which this installation doesn't accept."
    if envelope.type not in HANDLERS:
        return "This type has no handler."
    return ""
