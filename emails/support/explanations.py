"""Explanations for staff: where a message is, why it has not arrived, what happens next, and what a person can do."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.timezone import localtime

from common.db import database_now, index_walks
from emails.backends import configured_provider
from emails.delivery.provider_status import problem_of, stand_in_for
from emails.kinds import is_requested
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState, Reason, Status, Suppression
from emails.support.advice import CONSOLE, NOTHING_SENT, SEND_REAL_EMAIL, variable
from emails.support.wording import ASK_FOR_A_NEW_ONE, BLANKED

# Beat sweeps for due messages every 15 seconds. If one stays untouched for a minute, no worker is running.
SWEEP_TOLERANCE = timedelta(minutes=1)
START_A_WORKER = "Start a Celery worker and Celery beat, which looks for due emails every 15 seconds."
MAX_AHEAD = 1_000  # messages that are counted
NO_WORKER = "and no worker seems to be running."

Outcome = DeliveryAttempt.Outcome
PauseReason = ProviderState.PauseReason


@dataclass(frozen=True, slots=True)
class Explanation:
    """What staff read on a message's page. ``advice`` is empty if a person does not have to do anything."""

    sentence: str
    advice: str = ""
    provider: str = ""  # the provider whose page in the admin has what the advice names


def explain(email: OutboundEmail, now: datetime | None = None) -> Explanation:
    """Return where the message is now, by the database's clock. A waiting or suppressed one costs a few queries."""
    return EXPLANATIONS[Status(email.status)](email, now or database_now())


def queued(email: OutboundEmail, now: datetime) -> Explanation:
    """Explain a queued message: its provider is paused, it is scheduled, it is backing off, or it is due."""
    state = ProviderState.objects.filter(pk=configured_provider()).first()
    stand_in = stand_in_for(state) if state else ""
    if state and stand_in and email.unsupported_by == stand_in:
        return waiting_for_first(email, state, now)
    explanation = queued_for(email, ProviderState.objects.filter(pk=stand_in).first() if stand_in else state, now)
    if state and stand_in:
        sentence = f"{state.name} can't be used, so {stand_in} carries emails. {explanation.sentence}"
        return replace(explanation, sentence=sentence)
    return explanation


def queued_for(email: OutboundEmail, state: ProviderState | None, now: datetime) -> Explanation:
    """Explain a queued message that goes through the provider with this state. None if it was never used."""
    due_at = email.due_at or now
    resumes_at = max(due_at, (state and state.paused_until) or due_at)
    # While a provider is probed, only one call at a time goes out, so the others may wait a little past their due time.
    if state is not None and (state.is_paused(now) or (state.is_probing and now - resumes_at < SWEEP_TOLERANCE)):
        return paused(state, resumes_at, now)
    if due_at > now:
        return not_due(email, due_at, now)
    if now - resumes_at < SWEEP_TOLERANCE:
        return Explanation("Queued. It's due now and goes out within seconds.")
    return overdue(email, due_at, now)


def waiting_for_first(email: OutboundEmail, state: ProviderState, now: datetime) -> Explanation:
    """Explain a message that the fallback provider can't send. ``state`` is the one of the first provider."""
    explanation = paused(state, max(now, state.paused_until or now), now)
    return replace(
        explanation,
        sentence=f"Waiting for {state.name}: {email.unsupported_by}, which stands in for it, can't send this message."
        f"{quoted(email.detail)} {explanation.sentence}",
    )


def not_due(email: OutboundEmail, due_at: datetime, now: datetime) -> Explanation:
    """Explain a message that is scheduled or, after a failure, backing off."""
    if not email.failures:
        return Explanation(f"Scheduled for {exact_time(due_at, now)}.")
    attempts = f" after {email.failures} attempts" if email.failures > 1 else ""
    return Explanation(
        f"Backing off{attempts} until {exact_time(due_at, now)} because it wasn't accepted.{quoted(email.detail)}"
    )


def paused(state: ProviderState, resumes_at: datetime, now: datetime) -> Explanation:
    """Explain a message that waits until its provider may be called again."""
    if state.reason in (PauseReason.CONFIGURATION, PauseReason.QUOTA):
        return waiting_for_person(state, resumes_at, now)
    until = exact_time(resumes_at, now) if resumes_at > now else "the next attempt, within seconds"
    if state.is_probing:
        return Explanation(
            f"{state.name} keeps failing and is paused until {until}.{quoted(problem_of(state))} "
            "A single call then checks whether it works again. If it does, the waiting emails go out."
        )
    return Explanation(f"{state.name} asked us to wait and is paused until {until}.{quoted(state.detail)}")


def waiting_for_person(state: ProviderState, resumes_at: datetime, now: datetime) -> Explanation:
    """Explain a message whose provider can't be used until a person fixes the settings or raises the quota."""
    if state.reason == PauseReason.CONFIGURATION:
        return Explanation(
            f"Waiting for a person: {state.name} can't be used with its current settings.{quoted(problem_of(state))} "
            f"The next attempt is {planned_time(resumes_at, now)}.",
            f"Fix {variable(state.name, 'KEY')} and restart every process. If you fix something at {state.name} "
            "instead, choose “Resume now” on the page of its state.",
            provider=state.name,
        )
    return Explanation(
        f"The quota of {state.name} is used up.{quoted(problem_of(state))} "
        f"The next attempt is {planned_time(resumes_at, now)}.",
        f"Wait until the quota resets, or upgrade the plan at {state.name} and choose “Resume now” on the page of its "
        "state.",
        provider=state.name,
    )


def overdue(email: OutboundEmail, due_at: datetime, now: datetime) -> Explanation:
    """Explain a message that is due but untouched: no worker is running, or the workers are busy."""
    since = exact_time(due_at, now)
    # A running worker holds leases while anything is due. Without an active lease, no worker is running.
    if not (has_active_lease(DeliveryAttempt, now) or has_active_lease(OutboundEmail, now)):
        return Explanation(f"Due since {since}, {NO_WORKER}", START_A_WORKER)
    ahead = number_ahead(email, due_at, now)
    if email.isolated:
        return Explanation(
            f"Due since {since}. A worker died while it held this message, so it is sent on its own, "
            f"when a worker has nothing else of the same priority to do. Messages ahead of it: {ahead}."
        )
    return Explanation(f"Due since {since}. The workers are busy. Messages ahead of it: {ahead}.")


def number_ahead(email: OutboundEmail, due_at: datetime, now: datetime) -> str:
    """Return how many messages go out earlier. Counts to 1,000, because counting a million takes a second."""
    more_urgent, as_urgent = Q(priority__lt=email.priority), Q(priority=email.priority)
    earlier = OutboundEmail.objects.due(now).filter(more_urgent | as_urgent & Q(due_at__lt=due_at)).order_by()
    with index_walks():
        ahead = earlier[: MAX_AHEAD + 1].count()
    return f"more than {MAX_AHEAD:,}" if ahead > MAX_AHEAD else str(ahead)


def has_active_lease(model: type[DeliveryAttempt] | type[OutboundEmail], now: datetime) -> bool:
    """Return whether a running worker holds a lease on any row."""
    return model.objects.filter(due_at__gt=now, lease_token__isnull=False).exists()


def sending(email: OutboundEmail, now: datetime) -> Explanation:
    """Explain a message that a worker claimed: before its call, during it, or while the call waits to be repeated."""
    # A worker writes the attempt right before its call, so a claimed message may not have one yet.
    attempt = email.attempts.filter(settled_at=None).last()
    if attempt is None:
        return held_by_worker(email.due_at or now, "A worker claimed it and is about to call the provider.", now)
    # Without a lease, the attempt waits for its repetition.
    if attempt.lease_token is not None:
        repeating = attempt.outcome == Outcome.UNKNOWN
        doing = "The call is being repeated" if repeating else "Being sent"
        sentence = (
            f"{doing} through {attempt.provider}. The first attempt was at {exact_time(attempt.created_at, now)}."
        )
        return held_by_worker(attempt.due_at or now, sentence, now)
    return unknown(attempt, attempt.due_at or now, now)


def held_by_worker(lease_ends_at: datetime, sentence: str, now: datetime) -> Explanation:
    """Explain a message that a worker holds. A lease that has expired means that the worker died."""
    if lease_ends_at > now:
        return Explanation(sentence)
    if now - lease_ends_at < SWEEP_TOLERANCE:
        return Explanation("The worker that held it died. Another worker will take over within seconds.")
    return Explanation(f"The worker that held it died, {NO_WORKER}", START_A_WORKER)


def unknown(attempt: DeliveryAttempt, due_at: datetime, now: datetime) -> Explanation:
    """Explain a message whose call is repeated because the provider may or may not have accepted it."""
    state = ProviderState.objects.filter(pk=attempt.provider).first()
    repeated_at = max(due_at, (state and state.paused_until) or due_at)
    known = f"It's unknown whether {attempt.provider} accepted it.{quoted(attempt.detail)}"
    if now - repeated_at >= SWEEP_TOLERANCE:
        return Explanation(
            f"{known} The same call has been due again since {exact_time(repeated_at, now)}, {NO_WORKER}",
            START_A_WORKER,
        )
    return Explanation(f"{known} The same call will be repeated {planned_time(repeated_at, now)}.")


def sent(email: OutboundEmail, now: datetime) -> Explanation:
    if email.provider == CONSOLE:
        return Explanation(NOTHING_SENT, SEND_REAL_EMAIL)
    # An accepted message has a detail if an SMTP server refused some of its recipients.
    return Explanation(f"{acceptance(email, now)} No delivery event has arrived yet.{quoted(email.detail)}")


def delivered(email: OutboundEmail, now: datetime) -> Explanation:
    if email.provider == CONSOLE:
        return Explanation(f"{acceptance(email, now)} A simulated event says that it was delivered.", SEND_REAL_EMAIL)
    return Explanation(f"{acceptance(email, now)} The receiving server accepted it.")


def bounced(email: OutboundEmail, now: datetime) -> Explanation:
    return Explanation(
        f"{acceptance(email, now)} The receiving server rejected it.{quoted(email.detail)}",
        "Have the person check the email address. Once it works, remove its suppression here and at the provider, "
        "and resend.",
    )


def complained(email: OutboundEmail, now: datetime) -> Explanation:
    return Explanation(f"{acceptance(email, now)} It was delivered, and the recipient reported it as spam.")


def acceptance(email: OutboundEmail, now: datetime) -> str:
    """Return a sentence such as: resend accepted it as 49a3999c at 2026-01-31 08:00:00 UTC (5 minutes ago)."""
    if email.provider == CONSOLE:
        return NOTHING_SENT
    name = f" as {email.provider_message_id}" if email.provider_message_id else ""
    when = f" at {exact_time(email.sent_at, now)}" if email.sent_at else ""
    return f"{email.provider or 'The provider'} accepted it{name}{when}."


# By reason: what happened, and what a person can do.
FAILURES: dict[str, tuple[str, str]] = {
    Reason.REFUSED: ("The provider rejected it permanently.", "Fix what the error names, then retry."),
    Reason.UNSUPPORTED: (
        "The provider doesn't support messages like this.",
        "Change the message or the provider, then retry.",
    ),
    Reason.GAVE_UP: ("The provider didn't accept it within two days.", "Retry once the provider works again."),
    Reason.OUTCOME_UNKNOWN: (
        "We couldn't find out whether it arrived, and repeating the call could have sent a second copy.",
        "Ask the person, or check the provider's log. Retry if a second copy does no harm.",
    ),
    Reason.QUARANTINED: (
        "Its worker died repeatedly, so it was set aside.",
        "Check the workers' logs to find out why, then retry.",
    ),
}


def failed(email: OutboundEmail, now: datetime) -> Explanation:
    what, advice = FAILURES.get(email.reason, ("It failed.", "Retry once the cause is fixed."))
    ended = f"Failed at {exact_time(email.settled_at, now)}." if email.settled_at else "Failed."
    return Explanation(f"{ended} {what}{quoted(email.detail)}", BLANKED if email.is_body_deleted else advice)


def suppressed(email: OutboundEmail, now: datetime) -> Explanation:
    """Explain a message that our suppression list, or the one at the provider, stopped."""
    if email.sent_at is not None:
        return Explanation(
            f"{acceptance(email, now)} But it sent nothing, because the email address is on its own suppression "
            f"list.{quoted(email.detail)}",
            f"If the email address works, remove its suppression at {email.provider} and here, then retry.",
        )
    suppressions = Suppression.objects.filter(address__in=email.recipients.lower().split())  # some may be lifted
    suppressions = suppressions.exclude(scope=Suppression.Scope.MARKETING)
    if is_requested(email.kind):
        suppressions = suppressions.exclude(scope=Suppression.Scope.UNREQUESTED)
    causes = "; ".join(
        f"{row.address}, {row.get_cause_display()}, {exact_time(row.created_at, now)}" for row in suppressions
    )
    advice = BLANKED if email.is_body_deleted else "If the email address works, remove its suppression, then retry."
    return Explanation(
        f"Not sent: every recipient is on the suppression list{f' ({causes})' if causes else ''}.", advice
    )


def expired(email: OutboundEmail, now: datetime) -> Explanation:
    return Explanation(f"Not sent in time.{quoted(email.detail)}", f"{ASK_FOR_A_NEW_ONE.capitalize()}.")


def cancelled(email: OutboundEmail, now: datetime) -> Explanation:
    when = f" at {exact_time(email.settled_at, now)}" if email.settled_at else ""
    return Explanation(
        f"Canceled manually{when}.", BLANKED if email.is_body_deleted else "To send it after all, retry."
    )


def quoted(words: str) -> str:
    return f" “{words}”" if words else ""


def exact_time(at: datetime, now: datetime) -> str:
    """Return the exact time with its zone and its distance: 2026-01-31 08:00:00 UTC (in 5 minutes)."""
    away = distance(abs(at - now))
    relative = f"in {away}" if at > now else f"{away} ago"
    return f"{localtime(at):%Y-%m-%d %H:%M:%S %Z} ({relative})"


def planned_time(at: datetime, now: datetime) -> str:
    return f"at {exact_time(at, now)}" if at > now else "within seconds"


def distance(duration: timedelta) -> str:
    """Return the duration in one unit, which changes at two of the next larger one: 119 minutes, then 2 hours."""
    seconds = int(duration.total_seconds())
    for unit, length, limit in (("second", 1, 120), ("minute", 60, 120 * 60), ("hour", 3600, 48 * 3600)):
        if seconds < limit:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds // 86400} days"


EXPLANATIONS: dict[Status, Callable[[OutboundEmail, datetime], Explanation]] = {
    Status.QUEUED: queued,
    Status.SENDING: sending,
    Status.SENT: sent,
    Status.DELIVERED: delivered,
    Status.BOUNCED: bounced,
    Status.COMPLAINED: complained,
    Status.FAILED: failed,
    Status.SUPPRESSED: suppressed,
    Status.EXPIRED: expired,
    Status.CANCELLED: cancelled,
}
