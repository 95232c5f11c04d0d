"""The Celery tasks of billing. All of them can run at any time, more than once, and in parallel."""

from celery import shared_task
from django.conf import settings

from billing.services import (
    cards,
    cleanup,
    comparison,
    disputes,
    price_comparison,
    reconciliation,
    reminders,
)
from billing.services.changes import execution as changes
from billing.webhook import backlog, monitoring, storage


@shared_task(ignore_result=True)
def handle_due_events() -> None:
    """Runs every 15 seconds. Addresses come first, because events wait for them."""
    if settings.STRIPE_SECRET_KEY:
        reconciliation.find_addresses()
    backlog.sweep()
    if settings.STRIPE_SECRET_KEY:
        reconciliation.refresh_subscriptions()
        cleanup.clean_up()
        changes.retry_due()


@shared_task(ignore_result=True)
def compare_prices() -> None:
    """Runs once a day. A price that was archived at Stripe would otherwise show in a customer's checkout."""
    if settings.STRIPE_SECRET_KEY:
        price_comparison.log_problems()


@shared_task(ignore_result=True)
def look_after_events() -> None:
    storage.purge()
    comparison.purge()
    monitoring.log_missing_invoices()
    disputes.remind_of_evidence()


@shared_task(ignore_result=True)
def keep_deadlines() -> None:
    """Runs every hour: what must happen on a certain day, even if no event arrives."""
    if settings.STRIPE_SECRET_KEY:
        reconciliation.ask_about_overdue_payments()
    reminders.remind_of_trials()
    reminders.remind_of_renewals()
    cards.remind_of_cards()


@shared_task(ignore_result=True)
def compare_with_stripe() -> None:
    """Runs every minute, and works only while the comparison of the day is due."""
    comparison.compare()
