"""An event's way from its arrival to what it changes: stored once, then handled in a transaction of its own.

Whatever happens between the two, or in a handler, the event stays, and a beat task comes back to it.
"""

import json
import logging
import random
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.dispatch import receiver
from django.utils import timezone

from billing.models import StripeEvent
from billing.payloads.values import UnusableObject, customer_of, inner, ref, text
from billing.services.customers import AddressUnknown, PersonErased
from billing.signals import address_found
from billing.webhook.handlers import HANDLERS, Event
from common.db import insert_if_absent
from common.failpoints import failpoint

logger = logging.getLogger(__name__)

Status = StripeEvent.Status

LEFT_ALONE_FOR = timedelta(seconds=60)  # by the sweep: the request that stored it is about to handle it
FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(hours=1)
WAIT_FOR_AN_ADDRESS = timedelta(days=1)
MOST_AT_ONCE = 200  # in one sweep
KEPT_FOR = timedelta(days=90)  # Stripe can be made to send an event again for 30 days
TYPE_CHARACTERS = 100


class NotAnEvent(ValueError):
    """Signed by Stripe and no event that this endpoint serves. The text says what to change at Stripe."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around the object of an event."""

    id: str
    type: str
    api_version: str
    livemode: bool
    account: str
    created_at: datetime
    data: Mapping[str, Any]

    @classmethod
    def read(cls, body: bytes) -> "Envelope":
        """Raises ``NotAnEvent``."""
        try:
            event = json.loads(body.decode())
        except (ValueError, RecursionError):
            raise NotAnEvent("The body is not JSON.") from None
        if not isinstance(event, dict):
            raise NotAnEvent("The body is not a JSON object.")
        if event.get("object") == "v2.core.event":
            raise NotAnEvent("This endpoint takes snapshot payloads: set its payload style at Stripe to Snapshot.")
        event_id, event_type = ref(event.get("id")), text(event.get("type"), TYPE_CHARACTERS)
        if not event_id or event.get("id") != event_id or not event_type:
            raise NotAnEvent("The body is not an event: it has no id or no type.")
        return cls(
            id=event_id,
            type=event_type,
            api_version=ref(event.get("api_version"))[:64],
            livemode=event.get("livemode") is True,
            account=ref(event.get("account")),
            created_at=created_at(event.get("created")),
            data=inner(event, "data", "object"),
        )

    @property
    def why_not(self) -> str:
        """Why it changes nothing here; empty where it may."""
        if self.account:
            return f"It is of the connected account {self.account}."
        if settings.STRIPE_LIVEMODE not in (None, self.livemode):
            return f"It is of {'live' if self.livemode else 'test'} mode, and this installation is not."
        if self.type not in HANDLERS:
            return "Nothing here handles this type."
        return ""


def created_at(value: Any) -> datetime:
    try:
        return datetime.fromtimestamp(value, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.now(UTC)


def receive(body: bytes) -> None:
    """Store the event, and handle it unless that was done before. Raises ``NotAnEvent``, and Django's database errors
    where it could not be stored: then Stripe must send it again."""
    envelope = Envelope.read(body)
    store(envelope, body.decode())
    failpoint("after-store")
    handle(envelope)


def store(envelope: Envelope, body: str) -> None:
    row = StripeEvent(
        id=envelope.id,
        type=envelope.type,
        api_version=envelope.api_version,
        livemode=envelope.livemode,
        account=envelope.account,
        customer_id=customer_concerned(envelope),
        object_id=ref(envelope.data),
        expects_invoice=expected_invoice(envelope),
        created_at=envelope.created_at,
        due_at=timezone.now() + LEFT_ALONE_FOR,
        body=body,
    )
    insert_if_absent([row])


def customer_concerned(envelope: Envelope) -> str:
    return ref(envelope.data) if envelope.data.get("object") == "customer" else customer_of(envelope.data)


def expected_invoice(envelope: Envelope) -> str:
    """A subscription that was bought has an invoice, of which another event tells."""
    is_bought = envelope.type == "checkout.session.completed" and envelope.data.get("mode") == "subscription"
    return ref(envelope.data.get("invoice")) if is_bought and not envelope.why_not else ""


def handle(envelope: Envelope) -> None:
    """Let a stored event take effect, once. What our own code breaks on is noted and tried again later."""
    try:
        with transaction.atomic():
            if not StripeEvent.objects.claim(envelope.id):
                return
            take_effect(envelope)
    except (OperationalError, InterfaceError):
        raise  # the database is away, or two transactions met: nothing can be noted, and the event is still open
    except Exception:
        logger.exception("Stripe's event %s (%s) could not be handled; it is tried again.", envelope.id, envelope.type)
        note_failure(envelope.id, traceback.format_exc())


def take_effect(envelope: Envelope) -> None:
    note = envelope.why_not
    try:
        if not note:
            HANDLERS[envelope.type](Event(envelope.id, envelope.type, envelope.created_at, envelope.data))
    except (UnusableObject, PersonErased) as error:
        note = str(error)
    except AddressUnknown as error:  # all but the mail is done, and stays done
        note = wait_for_address(envelope, error)
    if note:
        logger.info("Stripe's event %s (%s): %s", envelope.id, envelope.type, note)
        StripeEvent.objects.filter(pk=envelope.id).update(note=note[:255])


def wait_for_address(envelope: Envelope, error: AddressUnknown) -> str:
    young = StripeEvent.objects.filter(pk=envelope.id, received_at__gt=Now() - WAIT_FOR_AN_ADDRESS)
    waits = young.update(
        status=Status.RECEIVED, processed_at=None, waits_for=error.customer_id, attempts=F("attempts") + 1,
        due_at=Now() + retry_after(envelope.id),
    )  # fmt: skip
    return f"{error} The mail waits." if waits else f"{error} Nobody got the mail."


@receiver(address_found)
def handle_what_waited(customer_id: str, **_: Any) -> None:
    """Mail that had no address until this customer's became known."""
    for event in StripeEvent.objects.due().filter(waits_for=customer_id):
        handle_again(event)


def handle_again(event: StripeEvent) -> None:
    if event.body:
        handle(Envelope.read(event.body.encode()))
    else:
        StripeEvent.objects.filter(pk=event.pk).update(status=Status.PROCESSED, due_at=None, note="Its body is erased.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an event that a person had handled again."""

    is_processed: bool
    sentence: str


def process_by_hand(event: StripeEvent) -> Outcome:
    """Handle it now, whatever its status. May be called at any time: every change that an event makes is made once."""
    if not event.body:
        return Outcome(False, "Its body is erased, so there is nothing left to handle.")
    settled = StripeEvent.objects.filter(pk=event.pk, status=Status.PROCESSED)
    settled.update(status=Status.RECEIVED, processed_at=None, due_at=Now() + LEFT_ALONE_FOR)
    handle_again(event)
    event.refresh_from_db()
    if event.status == Status.PROCESSED:
        return Outcome(True, f"Processed. {event.note}".strip())
    if event.status == Status.FAILED:
        return Outcome(False, f"Our own code broke on it: {event.error.strip().splitlines()[-1]}")
    return Outcome(False, event.note or "Another process holds it just now. Look again in a minute.")


def note_failure(event_id: str, error: str) -> None:
    failed = StripeEvent.objects.filter(pk=event_id).exclude(status=Status.PROCESSED)
    failed.update(status=Status.FAILED, error=error, attempts=F("attempts") + 1, due_at=Now() + retry_after(event_id))


def retry_after(event_id: str) -> timedelta:
    """Exponential, with jitter, at most an hour, for as long as it takes: no event is given up."""
    attempts = StripeEvent.objects.values_list("attempts", flat=True).get(pk=event_id)
    longest: timedelta = min(FIRST_RETRY * 2 ** min(attempts, 20), LONGEST_RETRY)
    return longest * random.uniform(0.5, 1)


def sweep() -> int:
    """Handle what a dead process, a failed handler or a missing address left behind; returns how many were tried."""
    due = list(StripeEvent.objects.due()[:MOST_AT_ONCE])
    for event in due:
        try:
            handle_again(event)
        except (OperationalError, InterfaceError):
            logger.exception("Stripe's event %s could not be handled just now.", event.pk)
    return len(due)


def purge() -> int:
    """Delete what is settled and older than Stripe's memory; returns how many."""
    old = StripeEvent.objects.filter(status=Status.PROCESSED, received_at__lt=Now() - KEPT_FOR)
    deleted, _ = old.delete()
    return deleted
