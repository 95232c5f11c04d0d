"""The Celery tasks: thin, and repeatable at any time."""

from celery import shared_task
from django.conf import settings

from billing.services import reconciliation
from billing.webhook import monitoring, processing


@shared_task(ignore_result=True)
def handle_due_events() -> None:
    """By beat, every 15 seconds."""
    if settings.STRIPE_SECRET_KEY:
        reconciliation.find_addresses()
    processing.sweep()
    if settings.STRIPE_SECRET_KEY:
        reconciliation.refresh_subscriptions()


@shared_task(ignore_result=True)
def look_after_events() -> None:
    processing.purge()
    monitoring.log_missing_invoices()
