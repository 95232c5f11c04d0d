"""The state of subscriptions, as Stripe last reported it.

Events arrive more than once, late, and out of order. Each report has a version (versions.py), and the row keeps the
state with the highest one, except that an ended subscription stays ended. If Stripe can be asked, every event also
makes the row due for a question, because only Stripe's answer is certain (reconciliation.py).
"""

import logging
from dataclasses import asdict
from datetime import datetime

from django.conf import settings
from django.db.models.functions import Now

from billing import mail
from billing.models import Checkout, Payment, Subscription
from billing.models.subscriptions import FINAL, OWING
from billing.payloads import CheckoutSession, Schedule, StripeObject, SubscriptionState
from billing.services import announcements, erasures, open_payments
from billing.services.announcements import Before
from billing.services.customers import Payer, identify
from common.db import insert_if_absent

logger = logging.getLogger(__name__)

PERIODS_IN_A_YEAR = {"year": 1, "month": 12, "week": 52, "day": 364}


def record_state(state: SubscriptionState, version: str, *, is_from_api: bool = False) -> tuple[Payer, Subscription]:
    """Store the state unless the stored one is newer or final. Returns the payer and the stored subscription.

    ``is_from_api`` means that the state is Stripe's answer to our question and didn't arrive in an event.
    """
    payer = identify(state.customer)
    subscription = lock_or_create(state.id)
    before = Before.of(subscription)
    subscription.customer_id = subscription.customer_id or payer.customer_id
    was_ending = subscription.cancel_at is not None
    if replaces_stored_state(subscription, state, version):
        set_state(subscription, state, version)
    set_schedule(subscription, version, state.schedule_id)
    set_open_payment(subscription)
    # An outdated event schedules a question too. It may be one of two events from the same second.
    if not is_from_api:
        subscription.refresh_at = next_refresh(subscription)
    announcements.save_subscription(subscription, before)
    end_if_erased(payer, subscription, was_ending=was_ending)
    return payer, subscription


def lock_or_create(subscription_id: str) -> Subscription:
    """Return the row, inserted if necessary and locked until the transaction ends."""
    # Any event can be the first about a subscription, so the row may not exist yet.
    insert_if_absent([Subscription(pk=subscription_id)])
    return Subscription.objects.select_for_update().get(pk=subscription_id)


def replaces_stored_state(subscription: Subscription, state: SubscriptionState, version: str) -> bool:
    """Return whether the state should overwrite the stored one."""
    has_ended = state.status in FINAL
    if subscription.is_final == has_ended:
        return version > subscription.version
    # Exactly one of the two has ended. Stripe never revives a subscription, so the ended one is the later one, and no
    # version is needed to know that.
    return has_ended


def set_state(subscription: Subscription, state: SubscriptionState, version: str) -> None:
    # The model's fields have the names of SubscriptionState's. The customer was set by the caller.
    for name, value in asdict(state).items():
        if name not in ("id", "customer", "schedule_id"):
            setattr(subscription, name, value)
    subscription.status = status_after_payment(subscription)
    subscription.version = version
    subscription.reported_at = subscription.updated_at
    subscription.has_long_period = is_long(state.interval, state.interval_count)


def is_long(interval: str, count: int | None) -> bool:
    """Return whether a period takes a year or longer."""
    return interval in PERIODS_IN_A_YEAR and (count or 1) >= PERIODS_IN_A_YEAR[interval]


def set_open_payment(subscription: Subscription) -> None:
    """Note which payment is missing. While nothing is owed, only events of payments change that."""
    if subscription.status in (*OWING, "incomplete"):
        open_payments.note(subscription)
        return
    subscription.unpaid_since = None
    if subscription.is_final:
        subscription.open_payment = None


def set_schedule(subscription: Subscription, version: str, schedule_id: str) -> None:
    """Store which schedule will change the price, if any. Events of the schedule itself say so too."""
    if version > subscription.schedule_version:
        subscription.has_schedule, subscription.schedule_id = bool(schedule_id), schedule_id
        subscription.schedule_version = version


def set_next_phase(subscription: Subscription, schedule: Schedule, version: str) -> None:
    """Store what the schedule will change. Only events of schedules say so, so that they have versions of their own."""
    if version > subscription.next_phase_version:
        phase = schedule.next_phase.as_json() if schedule.next_phase else None
        is_known = phase is not None or schedule.is_last_phase
        subscription.next_phase = {"schedule": schedule.id, "phase": phase} if is_known else None
        subscription.next_phase_version = version


def record_schedule(schedule: Schedule, version: str, *, is_from_api: bool = False) -> None:
    """Store whether a schedule will change the subscription's price, when, and to what."""
    identify(schedule.customer)
    if not schedule.subscription:
        return
    subscription = lock_or_create(schedule.subscription)
    if schedule.is_active:
        set_schedule(subscription, version, schedule.id)
        set_next_phase(subscription, schedule, version)
    elif subscription.schedule_id in ("", schedule.id):  # another schedule may have taken its place
        set_schedule(subscription, version, "")
    if not is_from_api:
        subscription.refresh_at = next_refresh(subscription)
    subscription.save()


def record_answer(answer: StripeObject, version: str) -> tuple[Payer, Subscription]:
    """Store Stripe's answer to a question about a subscription, with its schedule. Returns the payer and the row."""
    payer, subscription = record_state(SubscriptionState.read(answer), version, is_from_api=True)
    if schedule := answer.inner("schedule"):
        record_schedule(Schedule.read(schedule), version, is_from_api=True)
        subscription.refresh_from_db()
    return payer, subscription


def status_after_payment(subscription: Subscription) -> str:
    """Return ``active`` instead of ``incomplete`` if the first payment is known."""
    # The event of the payment can arrive before the event that still says incomplete.
    if subscription.status != "incomplete":
        return subscription.status
    is_paid = subscription.first_paid_at or Payment.objects.paid_for(subscription.pk).exists()
    return "active" if is_paid else "incomplete"


def next_refresh(subscription: Subscription) -> datetime | Now | None:
    """Return when to ask Stripe for the current state, or None if there is nothing to ask."""
    # Without an API key nobody can ask. A final state never changes.
    return Now() if settings.STRIPE_SECRET_KEY and not subscription.is_final else None


def record_checkout(session: CheckoutSession, at: datetime) -> None:
    """Store who bought the subscription, and ``at`` as the time of its order, and of its first payment if settled."""
    payer = identify(session.customer)
    subscription = lock_or_create(session.subscription)
    before = Before.of(subscription)
    subscription.customer_id = subscription.customer_id or payer.customer_id
    set_order(subscription, session)
    subscription.ordered_at = min(filter(None, [subscription.ordered_at, at]))
    if session.is_settled:
        # The session's event may be processed twice, or arrive after a later one. The earliest time is the true one.
        subscription.first_paid_at = min(filter(None, [subscription.first_paid_at, at]))
        # A row without a status is known only from its Checkout. The buyer gets access now, without waiting for the
        # event that reports the subscription as active.
        subscription.status = subscription.status or "incomplete"
        subscription.status = status_after_payment(subscription)
    subscription.refresh_at = next_refresh(subscription)
    if not session.is_settled:
        open_payments.note(subscription)
    announcements.save_subscription(subscription, before)
    end_if_erased(payer, subscription)


def set_order(subscription: Subscription, session: CheckoutSession) -> None:
    """Set what our checkout offered, if no event has reported what was bought."""
    # The session doesn't name the prices, which decide about access.
    checkout = None if subscription.price_id else Checkout.objects.filter(session_id=session.id).first()
    if checkout:
        subscription.price_id, subscription.items = checkout.price_id, checkout.items


def end_if_erased(payer: Payer, subscription: Subscription, *, was_ending: bool = False) -> None:
    """Have the subscription canceled if its user was deleted. Nobody uses it, and Stripe would charge every month."""
    # One that was to end anyway is known from before the deletion, which ends it with the customer.
    if payer.is_erased and not subscription.is_final and not was_ending:
        erasures.cancel(subscription.pk)


def activate(subscription_id: str) -> None:
    """Activate the subscription if it is incomplete. Call it once the first payment is stored."""
    if Subscription.objects.activate(subscription_id):
        subscription = Subscription.objects.get(pk=subscription_id)
        before = Before("incomplete", subscription.price_id, subscription.quantity, plan=None)
        has_started = bool(Subscription.objects.filter(pk=subscription_id, has_begun=False).update(has_begun=True))
        announcements.report_subscription(subscription, before, has_started=has_started)


def announce_trial_end(state: SubscriptionState, version: str) -> None:
    """Store the state, and send the email about the end of the trial, if the newest state is that trial."""
    # Stripe sends this event three days before the end, and also when the trial is ended at once.
    payer, subscription = record_state(state, version)
    if subscription.is_trial_ending and subscription.trial_end == state.trial_end:
        send_trial_ending(payer, subscription)


def send_trial_ending(payer: Payer, subscription: Subscription) -> None:
    """Announce the end of the trial, and send the email about it. The row is locked."""
    announcements.announce_trial_end(subscription)
    mail.send_trial_ending_email(payer.recipient, subscription)
