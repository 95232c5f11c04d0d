"""What a failed call means for the message and for the provider, derived from the HTTP status."""

import re
from typing import NamedTuple

from emails.errors import CallOutcome, Remedy

# Providers report an exhausted quota with different statuses, but always in words like these.
QUOTA = re.compile(r"quota|credits exceeded|(monthly|daily|plan|sending|account|usage) limit", re.IGNORECASE)
OTHER_CONTENT = re.compile(r"different|invalid_idempotent|mismatch|other (content|payload|body|request)", re.IGNORECASE)


class FailureKind(NamedTuple):
    """The fields that a ProviderError takes from the classification of a response."""

    outcome: CallOutcome
    remedy: Remedy
    pauses_provider: bool = False


REFUSED = FailureKind(CallOutcome.NOT_SENT, Remedy.GIVE_UP)
REFUSED_FOR_NOW = FailureKind(CallOutcome.NOT_SENT, Remedy.RETRY)
RATE_LIMITED = FailureKind(CallOutcome.NOT_SENT, Remedy.RETRY, pauses_provider=True)
NEEDS_A_PERSON = FailureKind(CallOutcome.NOT_SENT, Remedy.FIX, pauses_provider=True)
OVER_QUOTA = FailureKind(CallOutcome.NOT_SENT, Remedy.QUOTA, pauses_provider=True)
MESSAGE_NEEDS_A_PERSON = FailureKind(CallOutcome.NOT_SENT, Remedy.FIX)
UNKNOWN = FailureKind(CallOutcome.UNKNOWN, Remedy.RETRY)
UNKNOWN_FOREVER = FailureKind(CallOutcome.UNKNOWN, Remedy.GIVE_UP)

BY_STATUS = {
    401: NEEDS_A_PERSON,
    402: NEEDS_A_PERSON,
    403: MESSAGE_NEEDS_A_PERSON,  # usually about one message's sender: a domain that is not verified
    407: NEEDS_A_PERSON,
    408: UNKNOWN,
    429: RATE_LIMITED,
    503: REFUSED_FOR_NOW,  # the one 5xx that means that the call was not handled
}


def classify_status(status: int, text: str) -> FailureKind:
    """Return what an HTTP status means; ``text`` decides where providers use one status for two things."""
    if status in (401, 402, 403, 429) and QUOTA.search(text):
        return OVER_QUOTA
    if status in BY_STATUS:
        return BY_STATUS[status]
    # A 5xx can come after the provider has accepted the message, so its outcome is unknown.
    return REFUSED if 300 <= status < 500 else UNKNOWN


def classify_conflict(text: str) -> FailureKind:
    """Return what a 409 to a repeated Idempotency-Key means.

    Either the first call is still running, or it had a different payload. In the second case nothing can reveal
    what became of the first call.
    """
    return UNKNOWN_FOREVER if OTHER_CONTENT.search(text) else UNKNOWN
