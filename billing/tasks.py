"""The Celery tasks: thin, and repeatable at any time."""

from celery import shared_task
from django.conf import settings

from billing import events, monitoring
from billing.services import refreshing


@shared_task(ignore_result=True)
def handle_due_events() -> None:
    """By beat, every 15 seconds."""
    if settings.STRIPE_SECRET_KEY:
        refreshing.find_addresses()
    events.sweep()
    if settings.STRIPE_SECRET_KEY:
        refreshing.refresh_subscriptions()


@shared_task(ignore_result=True)
def look_after_events() -> None:
    events.purge()
    monitoring.log_missing_invoices()
