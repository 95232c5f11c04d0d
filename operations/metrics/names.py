"""The metrics that come from the database, and the values that their labels may have.

Labels come from columns that could hold anything, and each new value costs Prometheus a series. So values that are
neither a configured provider nor a folder of templates become "other".
"""

from dataclasses import dataclass
from functools import cache

from emails.backends import PROVIDERS, RELAYS, configured_provider, fallback_provider
from emails.backends.contacts import CONTACTS
from emails.folders import folders

NONE = "none"
OTHER = "other"
UNLINKED = "unlinked"  # an event of an email that isn't in the outbox

SENT = "emails_sent"
FAILED = "emails_failed"
SUPPRESSED = "emails_suppressed"
EXPIRED = "emails_expired"
CANCELLED = "emails_cancelled"
DELIVERED = "emails_delivered"
BOUNCED = "emails_bounced"
COMPLAINED = "emails_complained"

# Counters by provider and kind.
EMAIL_COUNTERS = {
    SENT: "Emails that a provider accepted.",
    FAILED: "Emails that ended without being sent, or that the provider dropped.",
    SUPPRESSED: "Emails that weren't sent because their address is on the suppression list, ours or the provider's.",
    EXPIRED: "Emails that weren't sent because they had expired.",
    CANCELLED: "Emails that staff cancelled.",
    DELIVERED: "Recipients whose server accepted the email.",
    BOUNCED: "Recipients whose server rejected the email.",
    COMPLAINED: "Recipients who reported the email as spam.",
}


@dataclass(frozen=True, slots=True)
class Durations:
    """A histogram of seconds."""

    name: str
    help: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...]  # the upper bound of each bucket but the last

    def bucket_of(self, bound: float) -> str:
        return str(float(bound))  # "1.0", because Prometheus 3 changes "1" to that

    @property
    def buckets(self) -> list[str]:
        return [*map(self.bucket_of, self.bounds), "+Inf"]


ATTEMPTS = Durations(
    "email_attempt_duration_seconds",
    "From storing an attempt to recording its outcome, which includes the wait for its place in the rate limit.",
    ("provider", "outcome"),
    (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
EVENT_LAG = Durations(
    "email_event_lag_seconds",
    "From the time that the provider gives for an event to its arrival here.",
    ("provider",),
    (1, 5, 15, 60, 300, 900, 3600, 21600),
)
STRIPE_LAG = Durations(
    "stripe_event_lag_seconds",
    "From the time that Stripe gives for an event to its arrival here.",
    (),
    (1, 5, 15, 60, 300, 900, 3600, 21600),
)
HISTOGRAMS = (ATTEMPTS, EVENT_LAG, STRIPE_LAG)


def provider_label(name: str) -> str:
    contacts = {client.name for client in CONTACTS.values()}
    is_known = name in PROVIDERS or name in RELAYS or name in contacts or name in current_providers()
    return name if is_known else OTHER if name else NONE


def current_providers() -> list[str]:
    """Return the providers of emails that are configured now, the first one first."""
    return [name for name in (configured_provider(), fallback_provider()) if name]


def kind_label(kind: str | None) -> str:
    """Return the label for the kind of an email: None stands for an email that isn't in the outbox."""
    if kind is None:
        return UNLINKED
    return kind if kind in kinds() else OTHER if kind else NONE


@cache
def kinds() -> frozenset[str]:
    return frozenset(folders())
