"""What this database says about an event that was posted: its status, its emails, and what changed for the customer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from billing.models import Payment, StripeEvent, Subscription
from billing.pages.display import payment_badge, period, subscription_badge
from billing.payloads import StripeObject
from billing.testing import SampleEvent
from emails.models import OutboundEmail


def lines_about(event: SampleEvent, emails: Sequence[OutboundEmail], site: str) -> Iterator[str]:
    """Yield the event's status if it isn't the usual one, and the emails that it caused."""
    row = StripeEvent.objects.filter(pk=event["id"]).first()
    if row is None:
        yield "The event isn't in this database. The server uses another one, which has the result."
        return
    if row.error:
        yield f"{row.get_status_display()}. {row.error.splitlines()[-1]}"
    elif row.note:
        yield row.note
    for email in emails:
        yield f"{email.kind} to {email.recipients}, {email.idempotency_key}: {page_of(email, site)}"


def page_of(email: OutboundEmail, site: str) -> str:
    """Return the URL of the email: in the development inbox, or in the admin if there is no inbox."""
    if settings.DEVELOPMENT_ROUTES:
        return site + reverse("development:message", args=[email.pk])
    return site + reverse("admin:emails_outboundemail_change", args=[email.pk])


def subject_of(event: SampleEvent) -> str:
    """Return the id of the object that emails about the event name in their key."""
    data = StripeObject(event["data"]["object"])
    # An invoice that is only announced has no ID yet.
    return data.id or data.inner("parent", "subscription_details").ref("subscription") or data.ref("subscription")


def emails_about(ids: Iterable[str], address: str, since: datetime) -> Sequence[OutboundEmail]:
    """Return the emails of billing that were queued ``since`` then, to this address or about one of these objects."""
    # The idempotency key of an email contains the ID of the object that the email is about.
    is_ours = Q(pk=None)
    for object_id in ids:
        is_ours |= Q(idempotency_key__contains=object_id)
    if address:
        is_ours |= Q(recipients__icontains=address)
    emails = OutboundEmail.objects.filter(is_ours, created_at__gte=since)
    return list(emails.defer("content").order_by("created_at"))


@dataclass
class Watch:
    """Watches the subscriptions and payments with these ids. ``changes`` yields what is new since the last call."""

    ids: Sequence[str]
    shown: Mapping[str, str] = field(default_factory=dict)

    def changes(self) -> Iterator[str]:
        before, self.shown = self.shown, dict(self.states())
        for row, state in self.shown.items():
            if before.get(row) != state:
                yield state

    def states(self) -> Iterator[tuple[str, str]]:
        """Yield each row's key and its state, as the customer sees it."""
        for subscription in Subscription.objects.filter(pk__in=self.ids):
            yield subscription.pk, subscription_state(subscription)
        for payment in Payment.objects.filter(stripe_id__in=self.ids).with_refunds().order_by("created_at", "pk"):
            yield payment.stripe_id, payment_state(payment)


def subscription_state(subscription: Subscription) -> str:
    quantity = f"{subscription.quantity} × " if (subscription.quantity or 1) > 1 else ""
    amount = f"{subscription.display_amount} {period(subscription)}" if subscription.display_amount else ""
    access = "access" if subscription.gives_access else "no access"
    plan = f"{quantity}{subscription.plan_name or 'an unknown plan'}"
    facts = (plan, str(subscription_badge(subscription).text), amount, access)
    return "Subscription: " + ", ".join(filter(None, facts))


def payment_state(payment: Payment) -> str:
    refunded = f"{payment.display_amount_refunded} refunded" if payment.display_amount_refunded else ""
    attempt = payment.upcoming_attempt_at
    next_attempt = f"next attempt on {attempt:%Y-%m-%d}" if attempt else ""
    facts = (payment.display_amount, str(payment_badge(payment).text), refunded, next_attempt)
    return f"Payment {payment.number or payment.stripe_id}: " + ", ".join(filter(None, facts))
