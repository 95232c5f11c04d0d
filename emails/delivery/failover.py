"""Failover: which providers carry new emails.

Usually only the *first* provider does, the one in EMAIL_PROVIDER. If it can't be used for EMAIL_FALLBACK_AFTER_SECONDS,
the *fallback* provider takes over, and the first one gets a single email from time to time as a probe. The first probe
that succeeds ends the failover (breaker.py). The start and the end are stored in the first provider's ProviderState, so
all workers agree.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from common.db import index_walks
from emails.backends import configured_provider, fallback_provider
from emails.delivery import breaker
from emails.models import DeliveryAttempt, ProviderState
from emails.models.work import HELD, WAITS

logger = logging.getLogger(__name__)

# Until then, an email with an unknown outcome is the probe itself, as soon as its call may be repeated.
NEW_EMAIL_EVERY = timedelta(minutes=5)


def carriers(states: Sequence[ProviderState]) -> tuple[str, ...]:
    """Return the names of the providers that new emails may go to, the first provider first.

    Starts a failover if it is due.
    """
    first, fallback = configured_provider(), fallback_provider()
    if not fallback:
        return (first,)
    [state] = [state for state in states if state.name == first]
    if state.failed_over_at is None and is_down_too_long(state):
        start(state, fallback)
    if state.failed_over_at is None:
        return (first,)
    return (first, fallback) if may_probe_with_new_email(state) else (fallback,)


def is_down_too_long(state: ProviderState) -> bool:
    """Return whether nothing was accepted since a first error that is older than EMAIL_FALLBACK_AFTER_SECONDS."""
    # With few emails, the breaker can take longer to open than that. One error alone proves nothing.
    is_down = state.reason != "" or state.failures > 1
    limit = timedelta(seconds=settings.EMAIL_FALLBACK_AFTER_SECONDS)
    return is_down and state.down_since is not None and state.now - state.down_since >= limit


@transaction.atomic
def start(state: ProviderState, fallback: str) -> None:
    """Start a failover, unless another worker did, or the provider has recovered since its state was read."""
    down = ProviderState.objects.filter(name=state.name, down_since=state.down_since)
    reason = state.reason or ProviderState.PauseReason.BREAKER
    if down.filter(failed_over_at=None).update(failed_over_at=state.now, reason=reason):
        logger.warning(
            "%s hasn't worked for %s, so %s carries emails until it works again: %s",
            state.name,
            breaker.in_seconds(state.now - (state.down_since or state.now)),
            fallback,
            state.detail,
        )
        # Emails that backed off were waiting for the first provider only.
        breaker.release_waiting(state.now)
    state.failed_over_at = down.values_list("failed_over_at", flat=True).first()


def may_probe_with_new_email(state: ProviderState) -> bool:
    """Return whether another email may be risked to find out whether the first provider works again.

    A probe with an unknown outcome stays with that provider, so only one email in NEW_EMAIL_EVERY may end like that.
    """
    unknown = DeliveryAttempt.objects.with_emails().filter(
        provider=state.name, outcome=DeliveryAttempt.Outcome.UNKNOWN, created_at__gte=state.failed_over_at
    )
    recent = unknown.filter(created_at__gt=state.now - NEW_EMAIL_EVERY)
    with index_walks():  # two queries, because each of them fits one of the partial indexes
        return not (recent.filter(WAITS).exists() or recent.filter(HELD).exists())
