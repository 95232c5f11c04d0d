"""What a failed call means for its messages and for the provider, derived from the HTTP status.

The decisive question is whether the provider may have accepted the call in spite of the error. If it may have, the
outcome is unknown: only the same call with the same Idempotency-Key may be repeated. If it hasn't, the messages can go
into a new call.
"""

import re
from typing import NamedTuple

from emails.errors import CallOutcome, Remedy

# Resend reports a used-up quota with 429 (``daily_quota_exceeded``, ``monthly_quota_exceeded``) and SendGrid with 401
# ("Maximum credits exceeded"), so the status alone would take it for a rate limit or a bad key. Sequenzy documents no
# such error. The other words cover what it might write.
QUOTA = re.compile(r"quota|credits exceeded|(monthly|daily|plan|sending|account|usage) limit", re.IGNORECASE)
# Resend calls this conflict ``invalid_idempotent_request``. Sequenzy documents only that it uses 409.
OTHER_CONTENT = re.compile(r"different|invalid_idempotent|mismatch|other (content|payload|body|request)", re.IGNORECASE)


class FailureKind(NamedTuple):
    """The fields of a ProviderError that depend on the kind of failure."""

    outcome: CallOutcome
    remedy: Remedy
    pauses_provider: bool = False


# For example, a message that fails validation.
REFUSED = FailureKind(CallOutcome.NOT_SENT, Remedy.GIVE_UP)
# For example, a refused connection, or a 503.
REFUSED_FOR_NOW = FailureKind(CallOutcome.NOT_SENT, Remedy.RETRY)
# The call came too early. Calls with other messages would be refused, too.
RATE_LIMITED = FailureKind(CallOutcome.NOT_SENT, Remedy.RETRY, pauses_provider=True)
# For example, a revoked key.
NEEDS_A_PERSON = FailureKind(CallOutcome.NOT_SENT, Remedy.FIX, pauses_provider=True)
OVER_QUOTA = FailureKind(CallOutcome.NOT_SENT, Remedy.QUOTA, pauses_provider=True)
# For example, a sender whose domain is not verified. Messages from other senders still go out.
MESSAGE_NEEDS_A_PERSON = FailureKind(CallOutcome.NOT_SENT, Remedy.FIX)
# For example, a timeout.
UNKNOWN = FailureKind(CallOutcome.UNKNOWN, Remedy.RETRY)
# An earlier call with the same key may have been accepted, and no repeat can find out.
UNKNOWN_FOREVER = FailureKind(CallOutcome.UNKNOWN, Remedy.GIVE_UP)

BY_STATUS = {
    401: NEEDS_A_PERSON,
    402: NEEDS_A_PERSON,
    # Resend and SendGrid use 403 for a sender that is not verified, which affects only messages from that sender.
    403: MESSAGE_NEEDS_A_PERSON,
    # The status of a proxy that wants a login.
    407: NEEDS_A_PERSON,
    # The server gave up waiting for the request, but it may have read enough to act on it.
    408: UNKNOWN,
    429: RATE_LIMITED,
    # HTTP defines 503 as an overload or maintenance, so it counts as a refusal before the call was handled.
    503: REFUSED_FOR_NOW,
}


def classify_status(status: int, text: str) -> FailureKind:
    """Return what an HTTP status means. ``text`` (code and explanation) may reveal that a quota is used up."""
    if status in (401, 402, 403, 429) and QUOTA.search(text):
        return OVER_QUOTA
    if status in BY_STATUS:
        return BY_STATUS[status]
    # A 5xx can come after the provider has accepted the message, so its outcome is unknown.
    return REFUSED if 300 <= status < 500 else UNKNOWN


def classify_conflict(text: str) -> FailureKind:
    """Return what a 409 means for a call that repeats an Idempotency-Key.

    Either the first call is still running, and repeating the call later reveals its outcome. Or the first call had a
    different payload, and then no repeat can reveal its outcome.
    """
    return UNKNOWN_FOREVER if OTHER_CONTENT.search(text) else UNKNOWN
