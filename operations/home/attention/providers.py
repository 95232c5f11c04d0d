"""Email providers that can't be used, and events from them that never arrived."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.urls import reverse

from common.admin import change_url
from emails.backends import PROVIDERS, email_provider_of
from emails.delivery import provider_status
from emails.models import DeliveryEvent, OutboundEmail, ProviderState, Status
from emails.models.list_indexes import newest_with
from emails.monitoring import needed_providers
from emails.support.advice import variable
from operations.home.attention.items import Item, Link, Urgency, bounded, how_many
from operations.home.links import list_url
from operations.home.viewer import Viewer

SILENT_FOR = timedelta(days=1)
EVENT_DELAY = timedelta(hours=1)  # most events arrive within seconds
SEARCHED = 1_000  # of the newest events and messages
URGENCIES = {
    "misconfigured": Urgency.EVERYTHING_STOPS,
    "open": Urgency.EVERYTHING_STOPS,
    "over_quota": Urgency.EVERYTHING_STOPS,
}


def states(now: datetime) -> list[ProviderState]:
    """Return the states of the providers that are in use."""
    needed = needed_providers()
    return [state for state in ProviderState.objects.with_rows_for() if state.name in needed]


def failing_providers(now: datetime, viewer: Viewer) -> Iterator[Item]:
    for state in states(now):
        word = provider_status.state_of(state, now)
        if word not in URGENCIES:
            continue
        # With a second provider that stands in, email still goes out. Contacts aren't email.
        is_covered = bool(provider_status.stand_in_for(state)) or email_provider_of(state.name) != state.name
        yield Item(
            Urgency.ACTION if is_covered else URGENCIES[word],
            f"{state.name} can't be used. {provider_status.describe(state, now)['reason']}".strip(),
            fix_of(state, word),
            since=state.down_since or state.changed_at,
            link=Link(change_url(state), f"Open {state.name}"),
            button=resume_button(state) if viewer.may_operate(ProviderState) else None,
        )


def fix_of(state: ProviderState, word: str) -> str:
    if word == "misconfigured":
        return (
            f"Fix {variable(state.name, 'KEY')} and restart every process. If you fix something at {state.name} "
            "instead, choose “Resume now”."
        )
    if word == "over_quota":
        return f"Wait until the quota resets, or upgrade the plan at {state.name} and choose “Resume now”."
    return f"Check the status page of {state.name}. A call every 15 seconds finds out when it works again."


def resume_button(state: ProviderState) -> Link:
    return Link(reverse("admin:emails_providerstate_operate", args=[state.pk, "resume"]), "Resume now")


def missing_events(now: datetime) -> Iterator[Item]:
    """Yield an item for each provider that accepted email during the last day, but reported nothing about it."""
    sent = newest_with(OutboundEmail.objects.all(), "status", Status.SENT)
    waiting = sent.filter(created_at__gt=now - SILENT_FOR, created_at__lt=now - EVENT_DELAY)
    emails = [*waiting.order_by("-listed", "-created_at").values_list("provider", "created_at")[:SEARCHED]]
    events = DeliveryEvent.objects.filter(received_at__gt=now - SILENT_FOR).order_by("-received_at")
    heard_from = {*events.values_list("provider", flat=True)[:SEARCHED]}
    for provider in sorted({provider for provider, _ in emails} & PROVIDERS.keys() - heard_from):
        times = [at for name, at in emails if name == provider]
        yield Item(
            Urgency.ACTION,
            f"{provider} has reported nothing about {how_many(len(times), 'email', 'emails')} that it accepted, so "
            "nobody knows what arrived.",
            f"At {provider}, check the URL and the secret of the webhook (docs/providers.md).",
            since=min(times),
            link=Link(list_url(OutboundEmail, status__exact=Status.SENT), "List these emails"),
        )


def unclear_calls(now: datetime) -> Iterator[Item]:
    """Yield an item if a call is being repeated because nobody knows whether the provider accepted it."""
    rows = newest_with(OutboundEmail.objects.all(), "reason", "unknown").filter(status=Status.SENDING)
    if count := bounded(rows):
        oldest = rows.order_by("listed", "created_at").values_list("created_at", flat=True).first()
        yield Item(
            Urgency.WATCH,
            f"{how_many(count, 'email has', 'emails have')} an unknown outcome, because the provider didn't respond "
            "clearly.",
            "Nothing to do yet: the same call is repeated until its outcome is known.",
            since=oldest,
            link=Link(list_url(OutboundEmail, reason__exact="unknown"), "List these emails"),
        )
