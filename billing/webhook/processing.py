"""The path of an event: it is stored once, and then processed once.

Storing and processing are two transactions. After the first one Stripe may forget the event, because our row is then
responsible for it. The second one contains the handler's changes together with the mark "processed", so either all of
them happen or none. If the process dies in between, or the handler fails, the row stays due and the sweep in backlog.py
processes it.
"""

import logging
import traceback

from django.conf import settings
from django.db import transaction

from billing.models import Customer, StripeEvent
from billing.payloads import UnusableObject
from billing.payloads.customers import has_unusable_address
from billing.services import erasures
from billing.services.customers import AddressUnknown, NotOurs, PersonErased
from billing.webhook import retries, storage
from billing.webhook.envelope import Envelope
from billing.webhook.handlers import HANDLERS
from common.failpoints import failpoint
from common.log_context import about
from common.outages import trouble_of

logger = logging.getLogger(__name__)

MAX_NOTE_LENGTH = 255


def receive(body: bytes) -> str:
    """Store the event, and process it unless an earlier delivery has been processed. Returns its ID.

    Raises ``NotAnEvent``, and Django's database errors if the database is unavailable. Stripe must send the event again
    then.
    """
    envelope = Envelope.read(body)
    with about(stripe_event_id=envelope.id):
        storage.store(envelope, body.decode(), expects_invoice=expected_invoice(envelope))
        # From here on, the event survives the death of this process.
        failpoint("after-store")
        process_unless_done(envelope)
    return envelope.id


def expected_invoice(envelope: Envelope) -> str:
    """Return the id of the first invoice of a new subscription, or an empty string for every other event.

    monitoring.py checks that Stripe reports this invoice as paid.
    """
    is_purchase = envelope.type == "checkout.session.completed" and envelope.data.text("mode") == "subscription"
    return envelope.data.ref("invoice") if is_purchase and not reason_to_ignore(envelope) else ""


def process(envelope: Envelope) -> None:
    """Process a stored event unless it is already processed. If our own code fails, the event is retried later."""
    with about(stripe_event_id=envelope.id):
        process_unless_done(envelope)


def process_unless_done(envelope: Envelope) -> None:
    try:
        with transaction.atomic():
            if StripeEvent.objects.claim(envelope.id):
                run_handler(envelope)
                forget_erased(envelope)
    # A mistake in a handler must not make Stripe repeat the event for days, so it is not raised. The
    # transaction was rolled back, so the failure is recorded in a new one.
    except Exception as error:
        # The database is unavailable, or it ended this transaction to resolve a deadlock. Nothing can be recorded now,
        # and nothing needs to be, because the event is still due.
        if trouble_of(error):
            raise
        logger.exception("Processing Stripe event %s (%s) failed. It will be retried.", envelope.id, envelope.type)
        retries.record_failure(envelope.id, traceback.format_exc())


def forget_erased(envelope: Envelope) -> None:
    """Empty the event if it is about a person who was deleted here, for example because Stripe sends it late."""
    customer_id = storage.customer_of(envelope)
    # The events of all other customers are left to identify(), which needs no statement unless the customer is erased.
    if not customer_id:
        if storage.addresses_in(envelope.data):
            erasures.forget_event(envelope.id)
    elif reason_to_ignore(envelope):
        erasures.forget_events(customer_id)
        if not Customer.objects.ours().filter(pk=customer_id).exists():
            forget_by_address(envelope)


def forget_by_address(envelope: Envelope) -> None:
    """Store the addresses in an event whose customer isn't ours, and empty it if one of them is erased."""
    if addresses := storage.addresses_in(envelope.data):
        storage.store_addresses(envelope.id, addresses)
        erasures.forget_event(envelope.id)


def run_handler(envelope: Envelope) -> None:
    """Run the event's handler. If the event has less effect than its type suggests, store a note that says why."""
    note = reason_to_ignore(envelope)
    try:
        if not note:
            HANDLERS[envelope.type](envelope)
    # Repeating the event would not help in either of these cases, so it counts as processed.
    except (UnusableObject, PersonErased) as error:
        note = str(error)
    except NotOurs as error:
        note = retries.wait_for_owner(envelope.id, error)
        forget_by_address(envelope)
    except AddressUnknown as error:
        # Handlers send their email last, so everything else has been done. The exception is caught inside the
        # transaction, so that this is committed. When the event is processed again, only the email is new.
        note = retries.wait_for_address(envelope.id, error)
        if has_unusable_address(envelope.data):
            note = f"Stripe's email address can't be used. {note}"
            logger.error("Stripe event %s: no email can be sent to its address. Correct it at Stripe.", envelope.id)
    if note:
        logger.info("Stripe event %s (%s): %s", envelope.id, envelope.type, note)
        StripeEvent.objects.filter(pk=envelope.id).update(note=note[:MAX_NOTE_LENGTH])


def reason_to_ignore(envelope: Envelope) -> str:
    """Return why the event must not change anything here, or an empty string if it may."""
    # An endpoint for Stripe Connect also receives the events of connected accounts. They concern the customers of those
    # accounts, not ours.
    if envelope.account:
        return f"It belongs to the connected account {envelope.account}."
    # A test event on a live site would record a payment that nobody made, and send a receipt for it.
    if settings.STRIPE_LIVEMODE not in (None, envelope.livemode):
        mode = "live" if envelope.livemode else "test"
        return f"It is a {mode} mode event, which this installation doesn't accept."
    # Stripe adds types without a new API version, so an unknown one is normal.
    if envelope.type not in HANDLERS:
        return "This type has no handler."
    return ""
