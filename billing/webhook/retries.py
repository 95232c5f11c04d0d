"""When an event that could not be processed completely is due again. No event is ever given up.

Stripe does not retry these events, because it got a 200 when the event was stored. The retries here are our own.
"""

from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now

from billing.models import StripeEvent
from billing.services.customers import AddressUnknown, NotOurs
from common.retry import backoff

FIRST_RETRY = timedelta(seconds=15)
# A failure in our own code lasts until somebody deploys a fix. The event should then take effect within the hour.
LONGEST_RETRY = timedelta(hours=1)

Status = StripeEvent.Status


def record_failure(event_id: str, error: str) -> None:
    """Store the traceback and schedule the next attempt."""
    # Another delivery of the same event may have been processed since this attempt failed. That result stands.
    unprocessed = StripeEvent.objects.filter(pk=event_id).exclude(status=Status.PROCESSED)
    unprocessed.update(
        status=Status.FAILED, error=error, attempts=F("attempts") + 1, due_at=Now() + delay_before_retry(event_id)
    )


def wait_for_address(event_id: str, error: AddressUnknown) -> str:
    """Make the event due again if it is less than a day old, and return a note for staff about its email."""
    if not error.can_be_learned:
        return f"{error} There's nobody to send the email to."
    # After a day the address isn't likely to come, so the event stays processed.
    recent = StripeEvent.objects.recent().filter(pk=event_id)
    is_waiting = recent.update(
        status=Status.RECEIVED,
        processed_at=None,
        waits_for=error.customer_id,
        attempts=F("attempts") + 1,
        due_at=Now() + delay_before_retry(event_id),
    )
    return f"{error} The email waits until it is." if is_waiting else f"{error} The email wasn't sent."


def wait_for_owner(event_id: str, error: NotOurs) -> str:
    """Remember the customer, and return a note for staff. If it turns out to be ours within a day, the event is due."""
    StripeEvent.objects.filter(pk=event_id).update(waits_for=error.customer_id)
    return str(error)


def delay_before_retry(event_id: str) -> timedelta:
    """Return a delay that grows with the number of attempts."""
    attempts = StripeEvent.objects.values_list("attempts", flat=True).get(pk=event_id)
    # The jitter keeps events that failed together, for example after a bad deployment, from all being due at once.
    return backoff(attempts, first=FIRST_RETRY, longest=LONGEST_RETRY, jitter=0.5)
