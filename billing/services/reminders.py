"""Reminders of what is about to be charged: the renewal of yearly plans, and the end of a trial.

Stripe announces both in events. If an event never arrives, our own task sends the reminder, so each is sent once by its
key, and a row remembers it, so that the task finds only what is left to do.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from billing import mail
from billing.models import Subscription
from billing.models.access import EVENT_DELAY
from billing.models.clock import is_ahead
from billing.payloads import CustomerRef, UpcomingInvoice
from billing.services import subscriptions
from billing.services.customers import Payer, identify
from billing.services.queues import for_each
from common.money import Amount

TRIAL_NOTICE = timedelta(days=3)  # as long before the end as Stripe's event
# Stripe's preview of an invoice is about the renewal that we know if their dates are this close.
SAME_DATE = timedelta(days=1)


def announce_renewal(invoice: UpcomingInvoice, at: datetime) -> None:
    """Send the reminder of the renewal that Stripe announced ``at`` this time, with the sum that it is going to charge.

    Raises ``AddressUnknown`` or ``PersonErased``.
    """
    payer = identify(invoice.customer)
    subscription = lock(invoice.subscription)
    if subscription is None or not is_renewing(subscription) or not is_about(invoice, subscription):
        return
    is_current = subscription.reported_at is None or at >= subscription.reported_at
    if is_current and invoice.amount_due is not None and invoice.amount_due <= 0:
        note_renewal(subscription)  # credit covers it, so nothing is charged
        return
    is_certain = is_current and invoice.amount_due and invoice.currency
    amount = Amount(invoice.amount_due or 0, invoice.currency) if is_certain else sum_of(subscription)
    send_renewal(payer, subscription, amount)


def is_about(invoice: UpcomingInvoice, subscription: Subscription) -> bool:
    """Return whether the preview is for the renewal at the end of the current period."""
    end = subscription.current_period_end
    return end is not None and (invoice.period_end is None or abs(invoice.period_end - end) <= SAME_DATE)


def remind_of_renewals() -> int:
    """Send the reminders for which no event arrived, and return how many there were."""
    days = timedelta(days=settings.BILLING_RENEWAL_REMINDER_DAYS)
    is_new = Q(announced_renewal=None) | ~Q(announced_renewal=F("current_period_end"))
    running = Subscription.objects.filter(status="active", has_long_period=True)
    due = running.filter(is_new, cancel_at=None, **in_the_next(days, "current_period_end"))
    return for_each(due, "current_period_end", remind_of_renewal)


def remind_of_renewal(subscription_id: str) -> bool:
    """Send the reminder unless that was done. Returns whether it was sent."""
    with transaction.atomic():
        payer, subscription = lock_with_customer(subscription_id)
        if not is_renewing(subscription):
            return False
        send_renewal(payer, subscription, sum_of(subscription))
    return True


def is_renewing(subscription: Subscription) -> bool:
    """Return whether the subscription is about to be charged for a long period, and nobody was reminded of it."""
    end = subscription.current_period_end
    is_charged = subscription.status == "active" and subscription.next_charge_at is not None
    is_wanted = settings.BILLING_RENEWAL_REMINDER_DAYS > 0 and subscription.has_long_period
    is_free = subscription.amount == 0
    return is_wanted and is_charged and not is_free and is_ahead(end) and subscription.announced_renewal != end


def sum_of(subscription: Subscription) -> Amount | None:
    return None if subscription.amount is None else Amount(subscription.amount, subscription.currency)


def send_renewal(payer: Payer, subscription: Subscription, amount: Amount | None) -> None:
    mail.send_renewal_email(payer.recipient, subscription, amount)
    note_renewal(subscription)


def note_renewal(subscription: Subscription) -> None:
    Subscription.objects.filter(pk=subscription.pk).update(announced_renewal=subscription.current_period_end)


def remind_of_trials() -> int:
    """Send the emails about trials for which Stripe's event didn't arrive, and return how many there were."""
    is_new = Q(announced_trial_end=None) | ~Q(announced_trial_end=F("trial_end"))
    trials = Subscription.objects.filter(is_new, status="trialing", **in_the_next(TRIAL_NOTICE, "trial_end"))
    return for_each(trials, "trial_end", remind_of_trial)


def remind_of_trial(subscription_id: str) -> bool:
    """Send the email unless that was done. Returns whether it was sent."""
    with transaction.atomic():
        payer, subscription = lock_with_customer(subscription_id)
        if not subscription.is_trial_ending or subscription.announced_trial_end == subscription.trial_end:
            return False
        subscriptions.send_trial_ending(payer, subscription)
    return True


def in_the_next(days: timedelta, column: str) -> dict[str, datetime]:
    """Return the condition for dates that are due: some hours later than Stripe's event, which knows more."""
    now = timezone.now()
    return {f"{column}__gt": now, f"{column}__lte": now + days - EVENT_DELAY}


def lock(subscription_id: str) -> Subscription | None:
    return Subscription.objects.select_for_update().filter(pk=subscription_id).first()


def lock_with_customer(subscription_id: str) -> tuple[Payer, Subscription]:
    """Lock the customer, as every event does first, and then the subscription."""
    customer_id = Subscription.objects.values_list("customer", flat=True).get(pk=subscription_id)
    payer = identify(CustomerRef(customer_id or ""))
    return payer, Subscription.objects.select_for_update().get(pk=subscription_id)
