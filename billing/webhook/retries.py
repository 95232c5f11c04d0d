"""What happens to an event that could not be processed completely: no event is ever given up."""

from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now

from billing.models import StripeEvent
from billing.services.customers import AddressUnknown
from common.retry import backoff

FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(hours=1)
WAIT_FOR_ADDRESS = timedelta(days=1)

Status = StripeEvent.Status


def record_failure(event_id: str, error: str) -> None:
    """Store the traceback and schedule the next attempt, unless another process succeeded meanwhile."""
    unprocessed = StripeEvent.objects.filter(pk=event_id).exclude(status=Status.PROCESSED)
    unprocessed.update(
        status=Status.FAILED, error=error, attempts=F("attempts") + 1, due_at=Now() + delay_before_retry(event_id)
    )


def wait_for_address(event_id: str, error: AddressUnknown) -> str:
    """Make the event due again if it is less than a day old. Returns the note that says whether its email waits."""
    # After a day the address isn't likely to come. The event then counts as processed, with a note for staff.
    recent = StripeEvent.objects.filter(pk=event_id, received_at__gt=Now() - WAIT_FOR_ADDRESS)
    is_waiting = recent.update(
        status=Status.RECEIVED,
        processed_at=None,
        waits_for=error.customer_id,
        attempts=F("attempts") + 1,
        due_at=Now() + delay_before_retry(event_id),
    )
    return f"{error} The email waits until it is." if is_waiting else f"{error} The email wasn't sent."


def delay_before_retry(event_id: str) -> timedelta:
    attempts = StripeEvent.objects.values_list("attempts", flat=True).get(pk=event_id)
    return backoff(attempts, first=FIRST_RETRY, longest=LONGEST_RETRY, jitter=0.5)
