"""Has Stripe make the changes that people confirmed, and repeats the calls until the outcome is known.

No row is locked and no transaction is open during the calls.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress

from django.db.models import F
from django.db.models.functions import Now

from billing.errors import (
    AccountDeleted,
    BillingError,
    ChangePending,
    PaymentDeclined,
    PaymentNeedsConfirmation,
    PreviewOutdated,
    StripeRefused,
    StripeUnavailable,
    SubscriptionEnded,
)
from billing.gateway.api import StripeApi
from billing.models import Subscription, SubscriptionChange
from billing.services.changes.steps import ask, make
from billing.services.reconciliation import LEASE, LONGEST_WAIT, QUESTIONS_PER_ROUND, ask_in_turn
from common.db import database_now, index_walks
from common.retry import backoff

logger = logging.getLogger(__name__)

# Stripe's codes for a payment that the person has to confirm.
CONFIRMATION_CODES = (
    "authentication_required",
    "subscription_payment_intent_requires_action",
    "invoice_payment_intent_requires_action",
)
# The refusals that a later attempt can't change, by the code that the row stores.
REFUSALS: Mapping[str, type[BillingError]] = {
    error.code: error
    for error in (PaymentDeclined, PaymentNeedsConfirmation, PreviewOutdated, SubscriptionEnded, StripeRefused)
}


def carry_out(api: StripeApi, change: SubscriptionChange) -> None:
    """Make the change and store its outcome.

    Raises ``ChangePending`` if the outcome is unknown, and the ``BillingError`` of the refusal if it was refused.
    """
    try:
        make(api, change)
    except BillingError as error:
        outcome = settle_failure(change, error)
        # A second click, or a worker, may have learned the outcome during this attempt.
        stored = SubscriptionChange.objects.filter(pk=change.pk).first()
        if stored is None:
            raise AccountDeleted from None
        if stored.status == SubscriptionChange.Status.REFUSED:
            raise refusal_of(stored, outcome) from None
        if stored.status == SubscriptionChange.Status.PENDING:
            raise outcome from None
        return
    finish(change, SubscriptionChange.Status.DONE)
    # If this question fails, the events and beat bring the new state.
    Subscription.objects.filter(pk=change.subscription_id).update(refresh_at=Now())
    with suppress(BillingError):
        ask(api, change.subscription_id)


def settle_failure(change: SubscriptionChange, error: BillingError) -> BillingError:
    """Store what a failed attempt shows, and return the error for the person."""
    is_unknown = isinstance(error, StripeUnavailable)
    if isinstance(error, StripeRefused):
        # A refused question says nothing about earlier attempts.
        is_unknown = error.is_key_reused or (error.is_key_rejected and change.failures > 0)
    if not is_unknown:
        refusal = refusal_from(error) if isinstance(error, StripeRefused) else error
        finish(change, SubscriptionChange.Status.REFUSED, refusal.code)
        return refusal
    is_replayed = isinstance(error, StripeUnavailable) and error.is_replayed
    postpone(change, with_new_key=is_replayed or isinstance(error, StripeRefused))
    return ChangePending(error.retry_after)


def refusal_of(change: SubscriptionChange, known: BillingError | None = None) -> BillingError:
    """Return the error that the stored refusal stands for."""
    if known is not None and known.code == change.refusal:
        return known
    return REFUSALS.get(change.refusal, PreviewOutdated)()


def refusal_from(error: StripeRefused) -> BillingError:
    if error.stripe_status != 402:
        return error
    return PaymentNeedsConfirmation() if error.stripe_code in CONFIRMATION_CODES else PaymentDeclined()


def finish(change: SubscriptionChange, status: SubscriptionChange.Status, refusal: str = "") -> None:
    pending = SubscriptionChange.objects.filter(pk=change.pk).pending()
    if pending.update(status=status, refusal=refusal, due_at=None, finished_at=Now()):
        logger.info("Change %s of subscription %s: %s %s.", change.pk, change.subscription_id, status, refusal)


def postpone(change: SubscriptionChange, *, with_new_key: bool = False) -> None:
    """Try again later. If Stripe would repeat its error for the key, with a new one."""
    wait = backoff(change.failures, first=LEASE / 4, longest=LONGEST_WAIT, jitter=0)
    row = SubscriptionChange.objects.filter(pk=change.pk).pending()
    row.update(due_at=Now() + wait, failures=F("failures") + 1)
    if with_new_key:
        row.filter(key_number=change.key_number).update(key_number=change.key_number + 1)


# In the background


def retry_due() -> int:
    """Try the changes whose outcome is unknown again. Returns how many were finished."""
    with index_walks():
        due = [*SubscriptionChange.objects.due()[:QUESTIONS_PER_ROUND]]
    return ask_in_turn(retry, due)


def retry(api: StripeApi, change: SubscriptionChange) -> bool:
    """Try one change again. Returns False if another worker is trying it, or if it was refused.

    Raises ``StripeUnavailable`` if the outcome is still unknown.
    """
    stored = SubscriptionChange.objects.filter(pk=change.pk).pending()
    if not stored.filter(due_at__lte=Now()).update(due_at=database_now() + LEASE):
        return False
    change = SubscriptionChange.objects.get(pk=change.pk)
    try:
        carry_out(api, change)
    except ChangePending:
        raise
    except BillingError as error:
        # The person isn't waiting for a response any more. The page shows this refusal.
        SubscriptionChange.objects.filter(pk=change.pk, failures=0).update(failures=1)
        logger.warning("Change %s of subscription %s was refused: %s", change.pk, change.subscription_id, error.code)
        return False
    return True
