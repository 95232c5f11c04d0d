"""What a person has to pay now, and the page where they can: the banner, the API, and the button lead there."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from billing import dunning
from billing.errors import NothingDue, StripeRefused
from billing.gateway.api import StripeApi
from billing.models import Payment, Subscription
from billing.models.subscriptions import OWING
from billing.plans import Plan
from billing.services import open_payments
from billing.services.portals import open_portal
from common.money import Amount


@dataclass(frozen=True, slots=True)
class Due:
    """A payment that is missing. Without ``payment``, only the subscription's status says so, and no sum is known."""

    subscription: Subscription
    payment: Payment | None

    @property
    def plan(self) -> Plan | None:
        return self.subscription.plan

    @property
    def amount(self) -> Amount | None:
        return Amount(self.payment.amount, self.payment.currency) if self.payment else None

    @property
    def display_amount(self) -> str:
        return str(self.amount or "")

    @property
    def needs_action(self) -> bool:
        """Whether the customer only has to confirm the payment with their bank."""
        return self.payment is not None and self.payment.is_awaiting_action

    @property
    def is_suspended(self) -> bool:
        return self.subscription.needs_payment

    @property
    def access_ends_at(self) -> datetime | None:
        return dunning.end_without_payment(self.subscription, self.payment)

    @property
    def link(self) -> str:
        """The invoice's page at Stripe, or an empty string if it is unknown or has expired."""
        return self.payment.link if self.payment else ""


def dues_of(user_id: int) -> list[Due]:
    """Return what the user has to pay, the most urgent first. Takes one query."""
    owing = Subscription.objects.of(user_id).owing().order_by("-version")
    missing = [subscription for subscription in owing if open_payments.is_missing(subscription)]
    missing.sort(key=lambda subscription: subscription.status not in OWING)
    return [Due(subscription, subscription.open_payment) for subscription in missing]


def payment_page(*, user: User, invoice: str = "") -> str:
    """Return the URL of Stripe's page where the user pays the invoice, by default the most urgent one.

    Raises ``NothingDue``, ``StripeUnavailable``, or ``StripeRefused``.
    """
    dues = [due for due in dues_of(user.pk) if not invoice or (due.payment and due.payment.stripe_id == invoice)]
    if not dues:
        raise NothingDue
    due = dues[0]
    return due.link or (fresh_link(due.payment.stripe_id) if due.payment else "") or open_portal(user=user)


def fresh_link(invoice: str) -> str:
    """Ask Stripe for the invoice's page, whose URL expires. Returns an empty string if there is none.

    Raises ``NothingDue`` if the invoice has been settled.
    """
    try:
        found = StripeApi().invoice(invoice)
    except StripeRefused as error:
        if not error.missing:
            raise
        return ""
    if found.text("status") != "open":
        raise NothingDue
    return found.link("hosted_invoice_url")
