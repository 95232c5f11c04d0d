"""What became of each demo email: its row, the call that carried it, and what the provider reported."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from emails.kinds import is_requested, priority_of
from emails.models import AttemptedEmail, DeliveryAttempt, DeliveryEvent, OutboundEmail, Reason, Status, Suppression
from operations.demo.content import Bodies, Values
from operations.demo.marks import ATTEMPTS, EMAILS, EVENTS, row_id
from operations.demo.occasions import Occasion
from operations.demo.people import Person

Outcome = DeliveryAttempt.Outcome
Type = DeliveryEvent.Type
BODIES_KEPT = timedelta(days=30)  # the default of EMAIL_RETENTION_DAYS
SENSITIVE = ("welcome", "password_reset")
TWO_DAYS = timedelta(days=2)
UNKNOWN_USER = "550 5.1.1 The email account that you tried to reach does not exist."
FULL_MAILBOX = "452 4.2.2 The recipient's inbox is out of storage space."
# Of 1,000 emails to addresses that work, how many end like this. All others are delivered.
MISHAPS = {
    "refused": 3,
    "unknown": 2,
    "gave_up": 1,
    "soft_bounce": 3,
    "cancelled": 1,
    "quarantined": 0.3,
    "sent": 4,  # the provider never reported what became of it
}
FRESH = timedelta(minutes=20)  # so new that the receiving server hasn't answered yet


@dataclass
class Mail:
    """Rows to insert, in the order in which they refer to each other."""

    emails: list[OutboundEmail] = field(default_factory=list)
    attempts: list[DeliveryAttempt] = field(default_factory=list)
    attempted: list[AttemptedEmail] = field(default_factory=list)
    events: list[DeliveryEvent] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)


class PostOffice:
    """Decides what becomes of emails, in the order of their time."""

    def __init__(self, now: datetime, random: Random) -> None:
        self._now, self._random = now, random
        self._bodies = Bodies()
        self._number = self._events = 0
        self._blocked: dict[int, str] = {}  # the scope of the suppression, by the person's number
        self.mail = Mail()

    def deliver(self, occasion: Occasion) -> None:
        """Add the rows of the email that the occasion causes."""
        self._number += 1
        email = self._queued(occasion)
        ending = self._ending(occasion)
        ENDINGS[ending](self, email, occasion)
        is_blanked = email.sensitive and email.settled_at is not None
        self._bodies.fill(email, Values(occasion.person.user, occasion.amount, occasion.number), occasion.at)
        if is_blanked or (email.settled_at and self._now - email.settled_at > BODIES_KEPT):
            email.content = None
        self.mail.emails.append(email)

    def take(self) -> Mail:
        """Return the rows since the last call."""
        taken, self.mail = self.mail, Mail()
        return taken

    def _queued(self, occasion: Occasion) -> OutboundEmail:
        user = occasion.person.user
        return OutboundEmail(
            id=row_id(EMAILS, self._number),
            kind=occasion.kind,
            idempotency_key=occasion.key,
            priority=priority_of(occasion.kind),
            recipients=user.email,
            sensitive=occasion.kind in SENSITIVE,
            metadata={"user_id": str(user.pk)},
            created_at=occasion.at,
            due_at=None,
            expires_at=occasion.at + timedelta(hours=1) if occasion.kind == "password_reset" else None,
        )

    def _ending(self, occasion: Occasion) -> str:
        person = occasion.person
        scope = self._blocked.get(person.number)
        if scope == Suppression.Scope.EVERYTHING or (scope and not is_requested(occasion.kind)):
            return "suppressed"
        if person.bounces:
            return "hard_bounce"
        if person.complains and not occasion.kind:
            return "complaint"
        age = self._now - occasion.at
        if age < FRESH:
            return self._random.choice(["backing_off", "sent"])
        chosen = self._random.choices(
            [*MISHAPS, "delivered"], weights=[*MISHAPS.values(), 1000 - sum(MISHAPS.values())]
        )
        if occasion.kind == "password_reset" and chosen[0] in ("gave_up", "cancelled"):
            return "expired"
        return "sent" if chosen[0] == "gave_up" and age < TWO_DAYS else chosen[0]

    # Endings

    def sent(self, email: OutboundEmail, occasion: Occasion) -> None:
        sent_at = occasion.at + timedelta(seconds=0.3 + self._random.random())
        self._settle(email, Status.SENT, sent_at, sent_at=sent_at, provider="resend")
        email.provider_message_id = f"demo-{email.pk}"
        self._attempt(email, Outcome.ACCEPTED, occasion.at, status_code=200)

    def delivered(self, email: OutboundEmail, occasion: Occasion) -> None:
        self.sent(email, occasion)
        email.status = Status.DELIVERED
        self._event(email, Type.DELIVERED, self._random.uniform(1, 6))

    def hard_bounce(self, email: OutboundEmail, occasion: Occasion) -> None:
        self.sent(email, occasion)
        email.status = Status.BOUNCED
        self._event(email, Type.BOUNCED, 3, severity=DeliveryEvent.Severity.HARD, detail=UNKNOWN_USER)
        self._suppress(occasion.person, email, Suppression.Cause.HARD_BOUNCE, UNKNOWN_USER)

    def soft_bounce(self, email: OutboundEmail, occasion: Occasion) -> None:
        self.sent(email, occasion)
        email.status = Status.BOUNCED
        self._event(email, Type.BOUNCED, 5, severity=DeliveryEvent.Severity.SOFT, detail=FULL_MAILBOX)

    def complaint(self, email: OutboundEmail, occasion: Occasion) -> None:
        self.delivered(email, occasion)
        email.status = Status.COMPLAINED
        self._event(email, Type.COMPLAINED, 600)
        self._suppress(occasion.person, email, Suppression.Cause.COMPLAINT, "")

    def suppressed(self, email: OutboundEmail, occasion: Occasion) -> None:
        self._settle(email, Status.SUPPRESSED, occasion.at + timedelta(seconds=1))

    def cancelled(self, email: OutboundEmail, occasion: Occasion) -> None:
        self._settle(email, Status.CANCELLED, occasion.at + timedelta(minutes=1))

    def expired(self, email: OutboundEmail, occasion: Occasion) -> None:
        self._settle(email, Status.EXPIRED, occasion.at + timedelta(hours=1))

    def refused(self, email: OutboundEmail, occasion: Occasion) -> None:
        detail = "Invalid `to` field. The email address needs to follow the `email@example.com` format."
        self._fail(email, occasion.at + timedelta(seconds=1), Reason.REFUSED, detail)
        self._attempt(
            email, Outcome.REFUSED, occasion.at, status_code=422, error_code="validation_error", detail=detail
        )

    def unknown(self, email: OutboundEmail, occasion: Occasion) -> None:
        detail = "The provider didn't respond within 30 seconds."
        self._fail(email, occasion.at + timedelta(minutes=20), Reason.OUTCOME_UNKNOWN, detail)
        self._attempt(email, Outcome.ABANDONED, occasion.at, calls=3, detail=detail)

    def gave_up(self, email: OutboundEmail, occasion: Occasion) -> None:
        email.failures, email.first_failed_at = 57, occasion.at
        self._fail(email, occasion.at + TWO_DAYS, Reason.GAVE_UP, "internal_server_error")
        self._attempt(email, Outcome.REFUSED, occasion.at + TWO_DAYS, status_code=500, detail="internal_server_error")

    def quarantined(self, email: OutboundEmail, occasion: Occasion) -> None:
        email.crashes, email.isolated = 5, True
        self._fail(email, occasion.at + timedelta(minutes=10), Reason.QUARANTINED, "")

    def backing_off(self, email: OutboundEmail, occasion: Occasion) -> None:
        email.reason, email.detail, email.provider = Reason.TRANSIENT, "rate_limit_exceeded", "resend"
        email.failures, email.first_failed_at, email.due_at = 2, occasion.at, self._now + timedelta(hours=1)
        self._attempt(email, Outcome.REFUSED, occasion.at, status_code=429, error_code="rate_limit_exceeded")

    # Rows

    def _settle(self, email: OutboundEmail, status: Status, at: datetime, **columns: Any) -> None:
        email.status, email.settled_at = status, min(at, self._now)
        for name, value in columns.items():
            setattr(email, name, value)

    def _fail(self, email: OutboundEmail, at: datetime, reason: Reason, detail: str) -> None:
        self._settle(email, Status.FAILED, at, reason=reason, detail=detail, provider="resend")

    def _attempt(self, email: OutboundEmail, outcome: Outcome, at: datetime, **columns: Any) -> None:
        attempt = DeliveryAttempt(
            id=row_id(ATTEMPTS, self._number),
            provider="resend",
            endpoint="/emails",
            message_count=1,
            priority=email.priority,
            outcome=outcome,
            created_at=at,
            settled_at=email.settled_at or at,
            **columns,
        )
        self.mail.attempts.append(attempt)
        self.mail.attempted.append(AttemptedEmail(attempt=attempt, email=email, position=0))

    def _event(self, email: OutboundEmail, event_type: Type, seconds: float, **columns: Any) -> None:
        at = min((email.sent_at or email.created_at) + timedelta(seconds=seconds), self._now)
        self._events += 1
        number = self._events
        self.mail.events.append(
            DeliveryEvent(
                id=row_id(EVENTS, number),
                provider="resend",
                fingerprint=f"demo-{number}",
                email=email,
                provider_message_id=email.provider_message_id,
                recipient=email.recipients,
                type=event_type,
                occurred_at=at,
                received_at=at + timedelta(seconds=1),
                **columns,
            )
        )

    def _suppress(self, person: Person, email: OutboundEmail, cause: Suppression.Cause, detail: str) -> None:
        suppression = Suppression(
            address=email.recipients, cause=cause, detail=detail, created_at=email.settled_at or self._now
        )
        suppression.scope = Suppression.Scope.UNREQUESTED if cause == Suppression.Cause.COMPLAINT else "everything"
        self._blocked[person.number] = suppression.scope
        self.mail.suppressions.append(suppression)


Ending = Callable[[PostOffice, OutboundEmail, Occasion], None]
ENDINGS: Mapping[str, Ending] = {
    name: getattr(PostOffice, name)
    for name in (*MISHAPS, "delivered", "hard_bounce", "complaint", "suppressed", "expired", "backing_off")
}
