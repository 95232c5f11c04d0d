"""What an HTTP status means for the mail, where a provider says nothing more precise."""

import re
from typing import NamedTuple

from emails.errors import Outcome, Remedy

QUOTA = re.compile(r"quota|credits exceeded|(monthly|daily|plan|sending|account|usage) limit", re.IGNORECASE)
OTHER_CONTENT = re.compile(r"different|invalid_idempotent|mismatch|other (content|payload|body|request)", re.IGNORECASE)


class Verdict(NamedTuple):
    outcome: Outcome
    remedy: Remedy
    pauses_provider: bool = False


REFUSED = Verdict(Outcome.NOT_SENT, Remedy.GIVE_UP)
REFUSED_FOR_NOW = Verdict(Outcome.NOT_SENT, Remedy.RETRY)
RATE_LIMITED = Verdict(Outcome.NOT_SENT, Remedy.RETRY, pauses_provider=True)
NEEDS_A_PERSON = Verdict(Outcome.NOT_SENT, Remedy.FIX, pauses_provider=True)
OVER_QUOTA = Verdict(Outcome.NOT_SENT, Remedy.QUOTA, pauses_provider=True)
MESSAGE_NEEDS_A_PERSON = Verdict(Outcome.NOT_SENT, Remedy.FIX)
UNKNOWN = Verdict(Outcome.UNKNOWN, Remedy.RETRY)
UNKNOWN_FOR_GOOD = Verdict(Outcome.UNKNOWN, Remedy.GIVE_UP)

BY_STATUS = {
    401: NEEDS_A_PERSON,
    402: NEEDS_A_PERSON,
    403: MESSAGE_NEEDS_A_PERSON,
    407: NEEDS_A_PERSON,
    408: UNKNOWN,
    429: RATE_LIMITED,
    503: REFUSED_FOR_NOW,
}


def verdict_on(status: int, said: str) -> Verdict:
    """By the status, and by what the answer said where one status means two things."""
    if status in (401, 402, 403, 429) and QUOTA.search(said):
        return OVER_QUOTA
    if status in BY_STATUS:
        return BY_STATUS[status]
    return REFUSED if 300 <= status < 500 else UNKNOWN


def verdict_on_conflict(said: str) -> Verdict:
    """409 to a repeated Idempotency-Key: the first call still runs, or it had another payload, and what became of
    that one cannot be asked."""
    return UNKNOWN_FOR_GOOD if OTHER_CONTENT.search(said) else UNKNOWN
