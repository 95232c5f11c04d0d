"""All items that the person may see, the most urgent first."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial

from django.db.models import Model

from billing.models import (
    CleanupRequest,
    Dispute,
    Drift,
    EarlyFraudWarning,
    StripeEvent,
    Subscription,
    SubscriptionChange,
)
from emails.models import OutboundEmail, ProviderState
from operations.home.attention import doctor, emails, money, processes, providers
from operations.home.attention.items import Item
from operations.home.viewer import Viewer
from operations.models import Report

Source = Callable[[datetime], Iterable[Item]]
NEVER = datetime.max.replace(tzinfo=UTC)


def items(now: datetime, viewer: Viewer) -> list[Item]:
    """Return what needs attention. Each source reads a bounded number of rows."""
    found = [item for source in sources(viewer) for item in source(now)]
    return sorted(found, key=lambda item: (item.urgency, item.until or item.since or NEVER))


def sources(viewer: Viewer) -> list[Source]:
    """Return the sources whose rows the person may see."""
    by_model: list[tuple[type[Model], Source]] = [
        (ProviderState, partial(providers.failing_providers, viewer=viewer)),
        (OutboundEmail, emails.late_emails),
        (OutboundEmail, emails.failed_emails),
        (OutboundEmail, providers.unclear_calls),
        (OutboundEmail, providers.missing_events),
        (Dispute, money.disputes),
        (EarlyFraudWarning, money.fraud_warnings),
        (Subscription, money.past_due),
        (StripeEvent, money.stripe_events),
        (StripeEvent, money.missing_stripe_events),
        (Drift, money.differences),
        (CleanupRequest, money.failed_cleanups),
        (SubscriptionChange, money.waiting_changes),
        (Report, doctor.findings),
    ]
    allowed = [source for model, source in by_model if viewer.may_view(model)]
    return [processes.stopped_processes, *allowed]
