"""The states of everything that emails consist of, in words and tones: the only place that names them for staff.

Each table names every value of its column. ``emails/tests/test_states.py`` checks that, and that no two labels are
equal.
"""

from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from common.badges import State, Tone
from emails.delivery import provider_status
from emails.models import (
    ContactChange,
    DeliveryAttempt,
    DeliveryEvent,
    ProviderState,
    Reason,
    Status,
    Suppression,
    Work,
)

Outcome = DeliveryAttempt.Outcome
Type = DeliveryEvent.Type

STATUSES: Mapping[str, State] = {
    Status.QUEUED: State(_("Queued"), Tone.BUSY),
    Status.SENDING: State(_("Sending"), Tone.BUSY),
    Status.SENT: State(_("Sent"), Tone.BUSY),
    Status.DELIVERED: State(_("Delivered"), Tone.GOOD),
    Status.BOUNCED: State(_("Bounced"), Tone.BAD),
    Status.COMPLAINED: State(_("Reported as spam"), Tone.BAD),
    Status.FAILED: State(_("Failed"), Tone.BAD),
    Status.SUPPRESSED: State(_("Suppressed"), Tone.WARNING),
    Status.EXPIRED: State(_("Expired"), Tone.WARNING),
    Status.CANCELLED: State(_("Canceled"), Tone.QUIET),
}
# Why a row waits or failed. A reason says more than the status, so its label replaces the one of the status.
REASONS: Mapping[str, State] = {
    Reason.TRANSIENT: State(_("Retrying"), Tone.WARNING),
    Reason.CONFIGURATION: State(_("Account or key refused"), Tone.BAD),
    Reason.QUOTA: State(_("Quota used up"), Tone.WARNING),
    Reason.INTERNAL: State(_("Error in our code"), Tone.BAD),
    Reason.UNKNOWN: State(_("No clear response"), Tone.WARNING),
    Reason.REFUSED: State(_("Rejected by provider"), Tone.BAD),
    Reason.WAITS_FOR_FIRST: State(_("Waiting for first provider"), Tone.WARNING),
    Reason.UNSUPPORTED: State(_("Not supported"), Tone.BAD),
    Reason.GAVE_UP: State(_("Gave up after two days"), Tone.BAD),
    Reason.OUTCOME_UNKNOWN: State(_("Outcome unknown"), Tone.BAD),
    Reason.QUARANTINED: State(_("Set aside"), Tone.BAD),
}
OUTCOMES: Mapping[str, State] = {
    Outcome.PENDING: State(_("In progress"), Tone.BUSY),
    Outcome.ACCEPTED: State(_("Accepted"), Tone.GOOD),
    Outcome.REFUSED: State(_("Not accepted"), Tone.BAD),
    Outcome.SPLIT: State(_("Split"), Tone.WARNING),
    Outcome.UNKNOWN: State(_("No clear response"), Tone.WARNING),
    Outcome.ABANDONED: State(_("Given up"), Tone.BAD),
}
# By the words of delivery/provider_status.py.
PROVIDERS: Mapping[str, State] = {
    "ok": State(_("Working"), Tone.GOOD),
    "paused": State(_("Paused"), Tone.BUSY),
    "open": State(_("Failing"), Tone.BAD),
    "misconfigured": State(_("Needs new settings"), Tone.BAD),
    "over_quota": State(_("Quota used up"), Tone.WARNING),
}
EVENTS: Mapping[str, State] = {
    Type.QUEUED: State(_("Queued at the provider"), Tone.BUSY),
    Type.SENT: State(_("Handed over"), Tone.BUSY),
    Type.DELIVERED: State(_("Delivered"), Tone.GOOD),
    Type.DEFERRED: State(_("Deferred"), Tone.WARNING),
    Type.BOUNCED: State(_("Bounced"), Tone.BAD),
    Type.COMPLAINED: State(_("Reported as spam"), Tone.BAD),
    Type.REJECTED: State(_("Not sent by the provider"), Tone.BAD),
    Type.SUPPRESSED: State(_("Suppressed by the provider"), Tone.WARNING),
    Type.OPENED: State(_("Opened"), Tone.GOOD),
    Type.CLICKED: State(_("Link clicked"), Tone.GOOD),
    Type.UNSUBSCRIBED: State(_("Unsubscribed"), Tone.QUIET),
    Type.RESUBSCRIBED: State(_("Resubscribed"), Tone.GOOD),
    Type.OTHER: State(_("Not relevant"), Tone.QUIET),
}
# By scope: what the email address doesn't get.
SUPPRESSIONS: Mapping[str, State] = {
    Suppression.Scope.EVERYTHING: State(_("Gets no email"), Tone.BAD),
    Suppression.Scope.UNREQUESTED: State(_("Gets only requested email"), Tone.WARNING),
    Suppression.Scope.MARKETING: State(_("Gets no marketing"), Tone.QUIET),
}
LIFTED = State(_("Ended"), Tone.GOOD)
CAUSES: Mapping[str, State] = {
    Suppression.Cause.HARD_BOUNCE: State(_("Hard bounce"), Tone.BAD),
    Suppression.Cause.COMPLAINT: State(_("Reported as spam"), Tone.BAD),
    Suppression.Cause.SOFT_BOUNCES: State(_("Repeated soft bounces"), Tone.WARNING),
    Suppression.Cause.UNSUBSCRIBED: State(_("Unsubscribed"), Tone.QUIET),
    Suppression.Cause.MANUAL: State(_("Added manually"), Tone.QUIET),
}


def state_of(row: Work) -> State:
    """Return the state of a message or a contact change."""
    if not row.reason and isinstance(row, ContactChange) and row.status == Status.SENT:
        return State(STATUSES[Status.SENT].label, Tone.GOOD)  # no event follows
    return state_named(row.status, row.reason)


def state_named(status: str, reason: str = "") -> State:
    """Return the state of a message with this status and reason. A later status is more recent than the reason."""
    return REASONS[reason] if reason and status in (Status.QUEUED, Status.SENDING, Status.FAILED) else STATUSES[status]


def attempt_state(attempt: DeliveryAttempt) -> State:
    return OUTCOMES[attempt.outcome]


def provider_state(state: ProviderState, now: datetime) -> State:
    return PROVIDERS[provider_status.state_of(state, now)]


def event_state(event: DeliveryEvent) -> State:
    return EVENTS[event.type or Type.OTHER]


def suppression_state(suppression: Suppression, now: datetime) -> State:
    if suppression.until is not None and suppression.until <= now:
        return LIFTED
    return SUPPRESSIONS[suppression.scope]
