"""Actions that staff can take on a message: retry it, cancel it, or resend it; and on a provider: resume it.

Workers change the same rows at the same time. Each action is therefore one conditional UPDATE or one INSERT, and raises
``ActionRefused`` if a worker was faster.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from common.actions import Action, ActionRefused
from common.db import database_now
from common.log_context import origin
from emails.delivery import breaker
from emails.models import AttemptedEmail, DeliveryAttempt, OutboundEmail, ProviderState, Status
from emails.support.wording import ASK_FOR_A_NEW_ONE, BLANKED
from emails.tracking.suppressions import suppressed_among
from emails.wakeup import wake_worker

RESENT_FROM = "resent_from"  # the key in a copy's metadata that holds the original's id

EXPIRED = f"It has expired, so {ASK_FOR_A_NEW_ONE}."
HELD_BY_WORKER = "A worker is processing it right now. Check again in a minute."
OUTCOME_UNKNOWN = "We don't know yet whether the provider accepted it. The same call will be repeated automatically."
NOT_SENT = "It hasn't been sent yet. Use retry instead."
ALREADY_SENT = "It has already been sent. To send a second copy, use resend."
NOT_CANCELLABLE = "Only a queued message can be canceled, and this one is no longer queued."
MAY_HAVE_ARRIVED = "We don't know whether it arrived. If a second copy does no harm, use “Retry (may arrive twice)”."
STILL_SUPPRESSED = "Every recipient is on the suppression list. Remove the suppression first."

SENT = (Status.SENT, Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED)
UNSENT = (Status.QUEUED, Status.FAILED, Status.EXPIRED, Status.CANCELLED, Status.SUPPRESSED)


# The fields of a message that has not been attempted yet.
AS_IF_NEW: dict[str, Any] = {
    "status": Status.QUEUED,
    "reason": "",
    "detail": "",
    "settled_at": None,
    "sent_at": None,
    "provider_message_id": "",
    "unsupported_by": "",
    "isolated": False,
    "crashes": 0,
    "failures": 0,
    "first_failed_at": None,  # the 48 hours in which delivery retries begin again
}


def retry(email: OutboundEmail) -> None:
    """Make a message that was not sent due now, as if it had never failed.

    Raises ``ActionRefused``, also if an earlier call may have delivered the message.
    """
    if may_have_arrived(email):
        raise ActionRefused(MAY_HAVE_ARRIVED)
    retry_even_twice(email)


def retry_even_twice(email: OutboundEmail) -> None:
    """Retry even if an earlier call may have delivered the message, so the recipient may get a second copy.

    Raises ``ActionRefused``.
    """
    refuse_unless_retryable(email)
    # A worker or retention may have changed the row since it was read, so the UPDATE repeats the conditions.
    unchanged = OutboundEmail.objects.filter(pk=email.pk, status=email.status, lease_token=None, content__isnull=False)
    if not unchanged.update(**AS_IF_NEW, due_at=database_now()):
        raise ActionRefused(HELD_BY_WORKER)
    transaction.on_commit(wake_worker, robust=True)


def cancel(email: OutboundEmail) -> None:
    """Cancel a queued message that no worker holds, and blank its live links. Raises ``ActionRefused``."""
    waiting = OutboundEmail.objects.filter(pk=email.pk, status=Status.QUEUED, lease_token=None)
    cancelled = waiting.update(
        status=Status.CANCELLED,
        reason="",
        detail="Canceled manually.",
        due_at=None,
        settled_at=database_now(),
        **email.changes_when_settled(),
    )
    if not cancelled:
        raise ActionRefused(HELD_BY_WORKER if email.status == Status.QUEUED else NOT_CANCELLABLE)


def resend(email: OutboundEmail) -> OutboundEmail:
    """Queue a copy of a message that was sent, without its idempotency key, and return the copy.

    Raises ``ActionRefused``.
    """
    if email.status not in SENT:
        raise ActionRefused(NOT_SENT)
    refuse_if_blanked_or_expired(email)
    copy = copy_of(email)
    copy.save(force_insert=True)
    transaction.on_commit(wake_worker, robust=True)
    return copy


def copy_of(email: OutboundEmail) -> OutboundEmail:
    """Return an unsaved row with the same message under a new id."""
    message = replace(email.message, id=uuid4())
    # The copy has no idempotency key, because the original's would make it a repeat and it would not be sent.
    return OutboundEmail(
        id=message.id,
        kind=email.kind,
        priority=email.priority,
        expires_at=email.expires_at,
        sensitive=email.sensitive,
        metadata={**email.metadata, **origin(), RESENT_FROM: str(email.pk)},
        recipients=email.recipients,
        subject=email.subject,
        content=message.to_json(),
    )


def resume(state: ProviderState) -> None:
    """End the provider's pause and forget its failures. The waiting messages become due over the next 30 seconds.

    A failover goes on until a call to the first provider succeeds.
    """
    with transaction.atomic():
        states = ProviderState.objects.filter(pk=state.pk)
        states.update(paused_until=None, reason="", detail="", failures=0)
        states.filter(failed_over_at=None).update(down_since=None)
        breaker.release_waiting(database_now())
        transaction.on_commit(wake_worker, robust=True)


def may_have_arrived(email: OutboundEmail) -> bool:
    """Return whether an earlier call ended without an answer and was given up, so the message may be delivered."""
    return email.attempts.filter(outcome=DeliveryAttempt.Outcome.ABANDONED).exists()


def which_may_have_arrived(emails: Collection[OutboundEmail]) -> set[UUID]:
    """Return the IDs of those messages for which ``may_have_arrived`` is true, with one query."""
    carried = AttemptedEmail.objects.filter(email__in=[email.pk for email in emails]).order_by()
    return {*carried.filter(attempt__outcome=DeliveryAttempt.Outcome.ABANDONED).values_list("email", flat=True)}


def refuse_unless_retryable(email: OutboundEmail) -> None:
    # An open attempt is repeated unchanged until its outcome is known. A retry would add a second call next to it.
    if email.attempts.filter(settled_at=None).exists():
        raise ActionRefused(OUTCOME_UNKNOWN)
    if email.status not in UNSENT:
        raise ActionRefused(ALREADY_SENT if email.status in SENT else HELD_BY_WORKER)
    refuse_if_blanked_or_expired(email)
    # Delivery skips suppressed recipients, so the retry would end as suppressed again.
    addresses = set(email.recipients.split())
    if addresses and addresses == suppressed_among(addresses, email.kind):
        raise ActionRefused(STILL_SUPPRESSED)


def refuse_if_blanked_or_expired(email: OutboundEmail) -> None:
    if email.is_body_deleted:
        raise ActionRefused(BLANKED)
    if email.expires_at is not None and email.expires_at <= database_now():
        raise ActionRefused(EXPIRED)


@dataclass(frozen=True, slots=True)
class MessageAction(Action[OutboundEmail]):
    """An action on a message, with the statuses in which it makes sense."""

    statuses: tuple[Status, ...]


ACTIONS = {
    "retry": MessageAction("Retry now", "Retried.", retry, UNSENT),
    "retry_even_twice": MessageAction(
        "Retry (may arrive twice)", "Retried. It may arrive twice.", retry_even_twice, UNSENT
    ),
    "cancel": MessageAction("Cancel", "Canceled.", cancel, (Status.QUEUED,)),
    "resend": MessageAction("Resend a copy", "A copy was queued.", resend, SENT),
}


def offered_actions(email: OutboundEmail, *, is_uncertain: bool | None = None) -> dict[str, MessageAction]:
    """Return the actions that make sense for the message as it is, by name. They may still be refused.

    ``is_uncertain`` saves a query: whether the message is among ``which_may_have_arrived``.
    """
    is_uncertain = may_have_arrived(email) if is_uncertain is None else is_uncertain
    retry_to_hide = "retry" if is_uncertain else "retry_even_twice"
    return {
        name: action for name, action in ACTIONS.items() if email.status in action.statuses and name != retry_to_hide
    }
