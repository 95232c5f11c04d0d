"""Whether queues, providers, workers, and beat are alive, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString

from common.admin import change_url
from common.badges import Tone, badge
from emails.delivery import provider_status
from emails.models import OutboundEmail, Priority, ProviderState
from emails.monitoring import LATE_AFTER
from operations.home import states
from operations.home.attention.items import bounded, how_many
from operations.home.attention.providers import states as provider_states
from operations.home.viewer import Viewer
from operations.liveness import liveness

RUNNING, STUCK, STOPPED = ("Running", Tone.GOOD), ("Stuck", Tone.BAD), ("Not running", Tone.BAD)
QUEUES = {
    Priority.WAITING: "Email that people wait for",
    Priority.NORMAL: "Normal email",
    Priority.BULK: "Bulk email",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the installation. ``since`` is its last sign of life, or the oldest waiting email."""

    name: str
    badge: SafeString
    detail: str = ""
    since: datetime | None = None
    url: str = ""


def parts(now: datetime, viewer: Viewer) -> list[Part]:
    return [
        *processes(),
        *(providers(now) if viewer.may_view(ProviderState) else ()),
        *(queues(now) if viewer.may_view(OutboundEmail) else ()),
    ]


def processes() -> Iterator[Part]:
    state = liveness()
    running = f"{state.workers} running" if state.workers else ""
    workers = STOPPED if not state.workers else STUCK if state.are_workers_stuck else RUNNING
    beat = STOPPED if not state.is_beat_running else STUCK if state.is_beat_stuck else RUNNING
    yield Part("Workers", badge(*workers), running, state.worker_seen_at)
    yield Part("Beat", badge(*beat), "", state.beat_seen_at)


def providers(now: datetime) -> Iterator[Part]:
    for state in provider_states(now):
        reason = provider_status.describe(state, now)["reason"]
        yield Part(f"Provider {state.name}", states.provider_badge(state, now), reason, url=change_url(state))


def queues(now: datetime) -> Iterator[Part]:
    """Yield the emails that are due, by priority. Those that are scheduled or backing off aren't due."""
    for priority, name in QUEUES.items():
        due = OutboundEmail.objects.due(now).filter(priority=priority)
        count = bounded(due.order_by())
        oldest = due.order_by("due_at").values_list("due_at", flat=True).first() if count else None
        is_late = oldest is not None and now - oldest >= LATE_AFTER
        state = (
            badge("Late", Tone.BAD) if is_late else badge("Moving", Tone.BUSY) if count else badge("Empty", Tone.GOOD)
        )
        yield Part(name, state, f"{how_many(count, 'email is', 'emails are')} due" if count else "", oldest)
