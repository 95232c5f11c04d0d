"""What staff read first about an attempt, an event, a provider, a suppression, or a contact change.

Messages have explanations of their own (explanations.py).
"""

from collections.abc import Mapping
from datetime import datetime

from emails.delivery import provider_status
from emails.models import ContactChange, DeliveryAttempt, DeliveryEvent, ProviderState, Reason, Status, Suppression
from emails.support.advice import variable
from emails.support.explanations import exact_time, quoted

Outcome = DeliveryAttempt.Outcome
Words = tuple[str, str]  # a sentence, and what a person can do, if anything

RESENT = "Each of its emails says on its page what happens next."
# By outcome: the sentence, for a provider and a number of emails, and the advice.
ATTEMPTS: Mapping[str, Words] = {
    Outcome.PENDING: ("{provider} is being called with {what}.", ""),
    Outcome.ACCEPTED: ("{provider} accepted {what}.", ""),
    Outcome.REFUSED: ("{provider} didn't accept {what}.", RESENT),
    Outcome.SPLIT: (
        "{provider} didn't accept {what}, because of at least one of them.",
        "Each one goes out again in a smaller call.",
    ),
    Outcome.UNKNOWN: (
        "It's unknown whether {provider} accepted {what}.",
        "The same call is repeated automatically until the outcome is known.",
    ),
    Outcome.ABANDONED: (
        "It stayed unknown whether {provider} accepted {what}.",
        "Check the provider's log. Then decide on the page of each email whether to retry it.",
    ),
}
EVENTS: Mapping[str, Words] = {
    DeliveryEvent.Type.QUEUED: ("{provider} has queued the email.", ""),
    DeliveryEvent.Type.SENT: ("{provider} is handing the email over to the receiving server.", ""),
    DeliveryEvent.Type.DELIVERED: ("The receiving server accepted the email.", ""),
    DeliveryEvent.Type.DEFERRED: ("The receiving server asked to try again later.", "{provider} does so on its own."),
    DeliveryEvent.Type.BOUNCED: (
        "The receiving server rejected the email.",
        "Have the person check the email address. A hard bounce stops all further email to it.",
    ),
    DeliveryEvent.Type.COMPLAINED: (
        "The recipient reported the email as spam.",
        "From now on, this email address gets only what the person requests, such as a password reset.",
    ),
    DeliveryEvent.Type.REJECTED: ("{provider} accepted the email and then didn't send it.", "See the response below."),
    DeliveryEvent.Type.SUPPRESSED: (
        "{provider} didn't send the email, because the email address is on its own suppression list.",
        "If the email address works, remove it from that list and from ours.",
    ),
    DeliveryEvent.Type.OPENED: ("The email was opened, by a person or by a program.", ""),
    DeliveryEvent.Type.CLICKED: ("A link in the email was opened, by a person or by a program.", ""),
    DeliveryEvent.Type.UNSUBSCRIBED: ("The recipient unsubscribed at {provider}.", ""),
    DeliveryEvent.Type.RESUBSCRIBED: ("The recipient subscribed again at {provider}.", ""),
    DeliveryEvent.Type.OTHER: ("{provider} reported something that changes nothing here.", ""),
}
CHANGES: Mapping[str, Words] = {
    Status.QUEUED: ("The change waits to be sent.", ""),
    Status.SENDING: ("The change is being sent.", ""),
    Status.SENT: ("The provider accepted the change.", ""),
    Status.FAILED: ("The change failed.", "Fix the cause, and make the change at the provider by hand."),
    Status.CANCELLED: ("A later change made this one unnecessary.", ""),
}
PROVIDERS: Mapping[str, Words] = {
    "ok": ("{name} works. Emails go out through it.", ""),
    "paused": ("{name} asked us to wait until {until}.", "Emails wait until then and go out on their own."),
    "open": (
        "{name} keeps failing. Until {until}, nothing is sent through it. A single call then checks whether it works.",
        "Check the provider's status page. If it works again, choose “Resume now”.",
    ),
    "misconfigured": (
        "{name} refuses our account or key, so no email goes out through it.",
        "Fix {key} and restart every process. If you fix something at the provider, choose “Resume now”.",
    ),
    "over_quota": (
        "The quota at {name} is used up. The next attempt is at {until}.",
        "Wait until the quota resets, or upgrade the plan there and choose “Resume now”.",
    ),
}
STOPPED: Mapping[str, str] = {
    Suppression.Scope.EVERYTHING: "{recipient} gets no email from us{until}.",
    Suppression.Scope.UNREQUESTED: "{recipient} gets only what the person requests, such as a password reset{until}.",
    Suppression.Scope.MARKETING: "{recipient} gets no marketing email{until}.",
}
CAUSES: Mapping[str, str] = {
    Suppression.Cause.HARD_BOUNCE: "An email to it bounced, because the email address doesn't exist.",
    Suppression.Cause.COMPLAINT: "The person reported an email as spam.",
    Suppression.Cause.SOFT_BOUNCES: "Several emails to it bounced.",
    Suppression.Cause.UNSUBSCRIBED: "The person unsubscribed.",
    Suppression.Cause.MANUAL: "A member of staff added it.",
}
TO_LIFT = (
    "To send to it again, delete this entry. The provider keeps its own suppression list. Remove the email address "
    "there as well."
)


def attempt_words(attempt: DeliveryAttempt, now: datetime) -> Words:
    count = attempt.carried_messages
    what = "a contact change" if attempt.contact_change_id else "one email" if count == 1 else f"{count} emails"
    sentence, advice = (words.format(provider=attempt.provider, what=what) for words in ATTEMPTS[attempt.outcome])
    if attempt.outcome == Outcome.UNKNOWN and attempt.due_at:
        advice = f"The same call is repeated at {exact_time(attempt.due_at, now)}."
    return f"{sentence}{quoted(attempt.detail)}", advice


def event_words(event: DeliveryEvent) -> Words:
    sentence, advice = (
        words.format(provider=event.provider or "The provider")
        for words in EVENTS[event.type or DeliveryEvent.Type.OTHER]
    )
    return f"{sentence}{quoted(event.detail)}", advice


def provider_words(state: ProviderState, now: datetime) -> Words:
    word = provider_status.state_of(state, now)
    until = exact_time(state.paused_until, now) if state.paused_until else "the next attempt"
    values = {"name": state.name, "until": until, "key": variable(state.name, "KEY")}
    sentence, advice = (words.format(**values) for words in PROVIDERS[word])
    problem = provider_status.problem_of(state) if word != "ok" else ""
    parts = [sentence + quoted(problem), provider_status.failover_of(state)]
    return " ".join(filter(None, parts)), advice


def suppression_words(suppression: Suppression, now: datetime) -> Words:
    cause = CAUSES[suppression.cause]
    if suppression.until is not None and suppression.until <= now:
        return f"{suppression.address} gets email again since {exact_time(suppression.until, now)}. {cause}", ""
    until = f" until {exact_time(suppression.until, now)}" if suppression.until else ""
    return f"{STOPPED[suppression.scope].format(recipient=suppression.address, until=until)} {cause}", TO_LIFT


def change_words(change: ContactChange, now: datetime) -> Words:
    sentence, advice = CHANGES[change.status]
    if change.reason and change.status != Status.SENT:
        sentence = f"{sentence} Reason: {Reason(change.reason).label}."
    if change.due_at and change.due_at > now and change.status == Status.QUEUED:
        advice = f"The next attempt is at {exact_time(change.due_at, now)}."
    return f"{sentence}{quoted(change.detail)}", advice
