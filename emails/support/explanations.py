"""Explanations for staff: where a message is, why it has not arrived, what happens next, and what a person can do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.timezone import localtime

from common.db import database_now
from emails.backends import configured_provider
from emails.models import DeliveryAttempt, OutboundEmail, ProviderState, Reason, Status, Suppression
from emails.support.wording import ASK_FOR_A_NEW_ONE, BLANKED

# Beat sweeps for due messages every 15 seconds. If one stays untouched for a minute, no worker is running.
SWEEP_TOLERANCE = timedelta(minutes=1)
START_A_WORKER = "Start a Celery worker, and beat, which looks for due mail every 15 seconds."
NO_WORKER = "and nobody takes it: no worker seems to run."

Outcome = DeliveryAttempt.Outcome
Pause = ProviderState.Pause


@dataclass(frozen=True, slots=True)
class Explanation:
    """What staff read on a message's page. ``advice`` is empty if a person does not have to do anything."""

    sentence: str
    advice: str = ""


def explain(email: OutboundEmail) -> Explanation:
    """Return where the message is now. A waiting or suppressed message costs a few queries."""
    return EXPLANATIONS[Status(email.status)](email, database_now())


def queued(email: OutboundEmail, now: datetime) -> Explanation:
    """Explain a queued message: its provider is paused, it is scheduled, it is backing off, or it is due."""
    due_at = email.due_at or now
    provider = configured_provider()
    state = ProviderState.objects.filter(pk=provider).first()
    resumes_at = max(due_at, (state and state.paused_until) or due_at)
    # While a provider is probed, only one call at a time goes out, so the others may wait a little past their due time.
    if state is not None and (state.is_paused(now) or (state.is_probing and now - resumes_at < SWEEP_TOLERANCE)):
        return paused(state, resumes_at, now)
    if due_at > now and not email.failures:
        return Explanation(f"Scheduled for {moment(due_at, now)}.")
    if due_at > now:
        tries = f" after {email.failures} tries" if email.failures > 1 else ""
        return Explanation(
            f"Backing off{tries} until {moment(due_at, now)}, because it was not taken.{quoted(email.detail)}"
        )
    if now - resumes_at < SWEEP_TOLERANCE:
        return Explanation("Queued for a worker: it is due and goes out within seconds.")
    return overdue(email, due_at, now)


def paused(state: ProviderState, resumes_at: datetime, now: datetime) -> Explanation:
    """Explain a message that waits until its provider may be called again."""
    until = moment(resumes_at, now) if resumes_at > now else "the next try, within seconds"
    if state.reason == Pause.CONFIGURATION:
        return Explanation(
            f"Waiting for a person: {state.name} cannot be used as it is set up.{quoted(state.detail)} "
            f"It is tried again {planned(resumes_at, now)}.",
            f"Mend the key or the account of {state.name}, then choose “Resume now” on its provider state.",
        )
    if state.reason == Pause.QUOTA:
        return Explanation(
            f"The quota of {state.name} is used up.{quoted(state.detail)} "
            f"It is tried again {planned(resumes_at, now)}.",
            f"Wait for the quota's next day or month, or take a larger plan at {state.name} and choose “Resume now”.",
        )
    if state.reason == Pause.BREAKER:
        return Explanation(
            f"{state.name} fails again and again and is paused until {until}.{quoted(state.detail)} "
            "One call finds out then whether it works again; what waits goes out as soon as it does."
        )
    return Explanation(f"{state.name} asked us to wait and is paused until {until}.{quoted(state.detail)}")


def overdue(email: OutboundEmail, due_at: datetime, now: datetime) -> Explanation:
    """Explain a message that is due but untouched: no worker is running, or the workers are busy."""
    since = moment(due_at, now)
    # Workers take leases on whatever is due. If none is active, nobody is working.
    if not (is_worked_on(DeliveryAttempt, now) or is_worked_on(OutboundEmail, now)):
        return Explanation(f"Due since {since}, {NO_WORKER}", START_A_WORKER)
    ahead = OutboundEmail.objects.due(now).filter(due_at__lt=due_at).count()
    if email.isolated:
        return Explanation(
            f"Due since {since}. A worker died while it held this message, so it is taken alone, "
            f"when a worker has nothing else to do; {ahead} messages are ahead of it."
        )
    return Explanation(f"Due since {since}. The workers are busy: {ahead} messages are ahead of it.")


def is_worked_on(model: type[DeliveryAttempt] | type[OutboundEmail], now: datetime) -> bool:
    """Return whether a running worker holds a lease on any row."""
    return model.objects.filter(due_at__gt=now, lease_token__isnull=False).exists()


def sending(email: OutboundEmail, now: datetime) -> Explanation:
    attempt = email.attempts.filter(settled_at=None).last()
    if attempt is None:
        return taken(email.due_at or now, "A worker took it and is about to call the provider.", now)
    # Without a lease, the attempt waits for its repetition.
    if attempt.lease_token is not None:
        repeating = attempt.outcome == Outcome.UNKNOWN
        doing = "The call is being repeated" if repeating else "Being sent"
        sentence = f"{doing} through {attempt.provider}; first tried at {moment(attempt.created_at, now)}."
        return taken(attempt.due_at or now, sentence, now)
    return unknown(attempt, attempt.due_at or now, now)


def taken(lease_ends_at: datetime, sentence: str, now: datetime) -> Explanation:
    """Explain a message that a worker holds. A lease that has expired means that the worker died."""
    if lease_ends_at > now:
        return Explanation(sentence)
    if now - lease_ends_at < SWEEP_TOLERANCE:
        return Explanation("The worker that held it died. The next one to look takes it up again, within seconds.")
    return Explanation(f"The worker that held it died, {NO_WORKER}", START_A_WORKER)


def unknown(attempt: DeliveryAttempt, due_at: datetime, now: datetime) -> Explanation:
    """Explain a message whose call is repeated because the provider may or may not have accepted it."""
    state = ProviderState.objects.filter(pk=attempt.provider).first()
    repeated_at = max(due_at, (state and state.paused_until) or due_at)
    known = f"Whether {attempt.provider} took it is unknown.{quoted(attempt.detail)}"
    if now - repeated_at >= SWEEP_TOLERANCE:
        return Explanation(
            f"{known} The same call is due again since {moment(repeated_at, now)}, {NO_WORKER}", START_A_WORKER
        )
    return Explanation(f"{known} The same call will be repeated {planned(repeated_at, now)}.")


def sent(email: OutboundEmail, now: datetime) -> Explanation:
    return Explanation(f"{taken_by_provider(email, now)} Nothing was heard since of how the receiving server took it.")


def delivered(email: OutboundEmail, now: datetime) -> Explanation:
    return Explanation(f"{taken_by_provider(email, now)} The receiving server accepted it.")


def bounced(email: OutboundEmail, now: datetime) -> Explanation:
    return Explanation(
        f"{taken_by_provider(email, now)} The receiving server refused it.{quoted(email.detail)}",
        "Have the person check the address. Once it works, lift its suppression, here and at the provider, and resend.",
    )


def complained(email: OutboundEmail, now: datetime) -> Explanation:
    return Explanation(f"{taken_by_provider(email, now)} It arrived, and the recipient reported it as spam.")


def taken_by_provider(email: OutboundEmail, now: datetime) -> str:
    name = f" as {email.provider_message_id}" if email.provider_message_id else ""
    when = f" at {moment(email.sent_at, now)}" if email.sent_at else ""
    return f"{email.provider or 'The provider'} took it{name}{when}."


FAILURES: dict[str, tuple[str, str]] = {
    Reason.REFUSED: ("The provider refused it for good.", "Mend what it complains about, then retry."),
    Reason.UNSUPPORTED: ("The provider cannot carry it.", "Change the message or the provider, then retry."),
    Reason.GAVE_UP: ("It was tried for two days and not taken.", "Retry once the provider works again."),
    Reason.OUTCOME_UNKNOWN: (
        "Whether it arrived could not be found out, and repeating the call could have sent a second copy.",
        "Ask the person or look into the provider's own log; retry if a second copy does no harm.",
    ),
    Reason.QUARANTINED: (
        "Its worker died again and again, so it was put aside.",
        "Find out from the workers' logs what killed them, then retry.",
    ),
}


def failed(email: OutboundEmail, now: datetime) -> Explanation:
    what, advice = FAILURES.get(email.reason, ("It failed.", "Retry once the cause is mended."))
    ended = f"Failed at {moment(email.settled_at, now)}." if email.settled_at else "Failed."
    return Explanation(f"{ended} {what}{quoted(email.detail)}", BLANKED if email.is_blanked else advice)


def suppressed(email: OutboundEmail, now: datetime) -> Explanation:
    """Explain a message that our suppression list, or the one at the provider, stopped."""
    if email.sent_at is not None:
        return Explanation(
            f"{taken_by_provider(email, now)} It sent nothing: its own list holds the address.{quoted(email.detail)}",
            f"If the address works, lift it at {email.provider} and here, then retry.",
        )
    known = Suppression.objects.filter(address__in=email.recipients.split())
    causes = "; ".join(f"{row.address}, {row.get_cause_display()}, {moment(row.created_at, now)}" for row in known)
    advice = BLANKED if email.is_blanked else "If the address works, lift its suppression, then retry."
    return Explanation(
        f"Not sent: every recipient is on the suppression list{f' ({causes})' if causes else ''}.", advice
    )


def expired(email: OutboundEmail, now: datetime) -> Explanation:
    return Explanation(f"Not sent in time.{quoted(email.detail)}", f"{ASK_FOR_A_NEW_ONE.capitalize()}.")


def cancelled(email: OutboundEmail, now: datetime) -> Explanation:
    when = f" at {moment(email.settled_at, now)}" if email.settled_at else ""
    return Explanation(f"Cancelled by hand{when}.", BLANKED if email.is_blanked else "Retry sends it after all.")


def quoted(words: str) -> str:
    return f" “{words}”" if words else ""


def moment(at: datetime, now: datetime) -> str:
    """Return the exact time with its zone and its distance: 2026-01-31 08:00:00 UTC (in 5 minutes)."""
    away = distance(abs(at - now))
    relative = f"in {away}" if at > now else f"{away} ago"
    return f"{localtime(at):%Y-%m-%d %H:%M:%S %Z} ({relative})"


def planned(at: datetime, now: datetime) -> str:
    return f"at {moment(at, now)}" if at > now else "within seconds"


def distance(duration: timedelta) -> str:
    """Return the duration in one unit, which changes at two of the next larger one: 119 minutes, then 2 hours."""
    seconds = int(duration.total_seconds())
    for unit, length, most in (("second", 1, 120), ("minute", 60, 120 * 60), ("hour", 3600, 48 * 3600)):
        if seconds < most:
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
