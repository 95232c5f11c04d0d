"""What a person may do to a message: retry it, cancel it, send it again.

Each is one conditional UPDATE or one INSERT. Where a worker was faster nothing is changed, and the person is told so.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import uuid4

from django.db import transaction

from common.db import database_now
from emails.delivery import breaker
from emails.errors import EmailsError
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState, Status
from emails.tracking.suppressions import suppressed_among
from emails.wakeup import wake_worker

RESENT_FROM = "resent_from"  # in a row's metadata: the message of which it is a copy

ASK_FOR_A_NEW_ONE = "have the person request a new one"
BLANKED = f"Its body has been deleted, so {ASK_FOR_A_NEW_ONE}."
EXPIRED = f"It has expired, so {ASK_FOR_A_NEW_ONE}."
UNDER_WAY = "A worker is processing it right now. Check again in a minute."
OUTCOME_OPEN = "We don't know yet whether the provider accepted it. The same call will be repeated automatically."
NOT_SENT = "It hasn't been sent yet. Use retry instead."
ALREADY_SENT = "It has already been sent. To send a second copy, use resend."
NOT_CANCELLABLE = "Only a queued message can be canceled, and this one is no longer queued."
MAY_BE_A_COPY = "We don't know whether it arrived. If a second copy does no harm, use “Retry (may arrive twice)”."
STILL_SUPPRESSED = "Every recipient is on the suppression list. Remove the suppression first."

SENT = (Status.SENT, Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED)
UNSENT = (Status.QUEUED, Status.FAILED, Status.EXPIRED, Status.CANCELLED, Status.SUPPRESSED)


class OperationRefused(EmailsError, ValueError):
    """The message was left as it is. The text says why, and what to do instead."""


def retry(email: OutboundEmail) -> None:
    """Make the message due now, as if it had never failed. Raises ``OperationRefused``."""
    if may_have_arrived(email):
        raise OperationRefused(MAY_BE_A_COPY)
    retry_even_twice(email)


def retry_even_twice(email: OutboundEmail) -> None:
    """As retry, also after a call whose outcome never became known: the person may get a second copy."""
    refuse_what_cannot_be_retried(email)
    unchanged = OutboundEmail.objects.filter(pk=email.pk, status=email.status, lease_token=None, content__isnull=False)
    retried = unchanged.update(
        status=Status.QUEUED, reason="", detail="", due_at=database_now(), settled_at=None,
        isolated=False, crashes=0, failures=0, first_failed_at=None, sent_at=None, provider_message_id="",
    )  # fmt: skip
    if not retried:
        raise OperationRefused(UNDER_WAY)
    transaction.on_commit(wake_worker, robust=True)


def cancel(email: OutboundEmail) -> None:
    """End a message that no worker holds. Raises ``OperationRefused``."""
    waiting = OutboundEmail.objects.filter(pk=email.pk, status=Status.QUEUED, lease_token=None)
    cancelled = waiting.update(
        status=Status.CANCELLED, reason="", detail="Canceled manually.", due_at=None, settled_at=database_now(),
        **email.changes_when_settled(),
    )  # fmt: skip
    if not cancelled:
        raise OperationRefused(UNDER_WAY if email.status == Status.QUEUED else NOT_CANCELLABLE)


def resend(email: OutboundEmail) -> OutboundEmail:
    """Queue a copy of a message that was sent; returns it. Raises ``OperationRefused``."""
    if email.status not in SENT:
        raise OperationRefused(NOT_SENT)
    refuse_without_body_or_time(email)
    message = replace(email.message, id=uuid4())
    copy = OutboundEmail(
        id=message.id,
        kind=email.kind,
        expires_at=email.expires_at,
        sensitive=email.sensitive,
        metadata={**email.metadata, RESENT_FROM: str(email.pk)},
        recipients=email.recipients,
        subject=email.subject,
        content=message.to_json(),
    )
    copy.save(force_insert=True)
    transaction.on_commit(wake_worker, robust=True)
    return copy


def resume(state: ProviderState) -> None:
    """Call a provider again at once: its pause and its failures are forgotten, what waited for it is spread out."""
    with transaction.atomic():
        ProviderState.objects.filter(pk=state.pk).update(paused_until=None, reason="", detail="", failures=0)
        breaker.release_waiting(database_now())
        transaction.on_commit(wake_worker, robust=True)


def may_have_arrived(email: OutboundEmail) -> bool:
    return email.attempts.filter(outcome=DeliveryAttempt.Outcome.ABANDONED).exists()


def refuse_what_cannot_be_retried(email: OutboundEmail) -> None:
    if email.attempts.filter(settled_at=None).exists():
        raise OperationRefused(OUTCOME_OPEN)
    if email.status not in UNSENT:
        raise OperationRefused(ALREADY_SENT if email.status in SENT else UNDER_WAY)
    refuse_without_body_or_time(email)
    addresses = set(email.recipients.split())
    if addresses and addresses == suppressed_among(addresses):
        raise OperationRefused(STILL_SUPPRESSED)


def refuse_without_body_or_time(email: OutboundEmail) -> None:
    if email.is_blanked:
        raise OperationRefused(BLANKED)
    if email.expires_at is not None and email.expires_at <= database_now():
        raise OperationRefused(EXPIRED)


@dataclass(frozen=True, slots=True)
class Operation:
    """One button: ``perform`` returns the message to look at next, or None when it is still the same."""

    label: str
    done: str
    perform: Callable[[OutboundEmail], OutboundEmail | None]
    statuses: tuple[Status, ...]


OPERATIONS = {
    "retry": Operation("Retry now", "Retried.", retry, UNSENT),
    "retry_even_twice": Operation(
        "Retry (may arrive twice)", "Retried. It may arrive twice.", retry_even_twice, UNSENT
    ),
    "cancel": Operation("Cancel", "Canceled.", cancel, (Status.QUEUED,)),
    "resend": Operation("Resend a copy", "A copy was queued.", resend, SENT),
}


def offered_operations(email: OutboundEmail) -> dict[str, Operation]:
    """Those that make sense for the message as it stands; they may still be refused."""
    retry_to_hide = "retry" if may_have_arrived(email) else "retry_even_twice"
    return {
        name: operation
        for name, operation in OPERATIONS.items()
        if email.status in operation.statuses and name != retry_to_hide
    }
