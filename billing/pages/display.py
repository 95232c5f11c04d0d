"""What the pages show: states as badges, intervals, invoice links, and the panel on the dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.models import Payment, Subscription

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

GOOD, WAIT, BAD = "good", "wait", "bad"
INVOICE_LINK_LIFE = timedelta(days=30)  # Stripe's pages of invoices expire afterwards


@dataclass(frozen=True, slots=True)
class State:
    """``mood`` is a class of the badge that shows it."""

    words: "StrOrPromise"
    mood: str


SUBSCRIPTION_STATES: Mapping[str, State] = {
    "active": State(_("Active"), GOOD),
    "trialing": State(_("Trial"), GOOD),
    "past_due": State(_("Payment failed"), BAD),
    "unpaid": State(_("Unpaid"), BAD),
    "paused": State(_("Paused"), WAIT),
    "incomplete": State(_("Awaiting first payment"), WAIT),
    "incomplete_expired": State(_("Incomplete"), WAIT),
    "canceled": State(_("Ended"), WAIT),
}
INTERVALS = {"day": _("per day"), "week": _("per week"), "month": _("per month"), "year": _("per year")}


def subscription_state(subscription: Subscription) -> State:
    """Return the badge of a subscription. A status that we don't know is shown in Stripe's own word."""
    if subscription.cancel_at and subscription.gives_access and not subscription.ended_at:
        day = date_format(timezone.localtime(subscription.cancel_at), "DATE_FORMAT")
        return State(_("Cancels on %(day)s") % {"day": day}, WAIT)
    status = subscription.status or "incomplete"
    return SUBSCRIPTION_STATES.get(status) or State(status, WAIT)


def payment_state(payment: Payment) -> State:
    if payment.amount_refunded:
        is_all = payment.amount_refunded >= payment.amount
        return State(_("Refunded") if is_all else _("Partially refunded"), WAIT)
    return State(_("Paid"), GOOD) if payment.is_paid else State(_("Failed"), BAD)


def interval(name: str) -> "StrOrPromise":
    return INTERVALS.get(name, name)


def invoice_link(payment: Payment) -> str:
    """Return the URL of the invoice at Stripe, or an empty string once its page has expired."""
    return payment.invoice_url if timezone.now() - payment.created_at < INVOICE_LINK_LIFE else ""


def plan_panel(request: HttpRequest) -> str:
    """Return the HTML of the dashboard's panel: plan, state, and next charge."""
    subscription = Subscription.objects.current_of(cast(User, request.user).pk)
    return render_to_string("billing/panel.html", {"subscription": subscription}, request)
