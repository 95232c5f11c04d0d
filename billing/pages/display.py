"""What the pages show: states as badges, intervals, links to invoices, and the panel on the dashboard."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, cast

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.models import Payment, Subscription
from billing.models.clock import is_ahead
from billing.models.subscriptions import OWING
from billing.plans import free_plan
from billing.services import invoices
from billing.services.dues import dues_of
from common.display import Badge, BadgeClass

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


# An attribute of the request. The panel of the dashboard sets it, which saves the banner its query.
HAS_NO_SUBSCRIPTION = "has_no_subscription"

AWAITING_CONFIRMATION = Badge(_("Awaiting your confirmation"), BadgeClass.WAIT)
SUBSCRIPTION_BADGES: Mapping[str, Badge] = {
    "active": Badge(_("Active"), BadgeClass.GOOD),
    "trialing": Badge(_("Trial"), BadgeClass.GOOD),
    "past_due": Badge(_("Payment failed"), BadgeClass.BAD),
    "unpaid": Badge(_("Unpaid"), BadgeClass.BAD),
    "paused": Badge(_("Paused"), BadgeClass.WAIT),
    "incomplete": Badge(_("Awaiting first payment"), BadgeClass.WAIT),
    "incomplete_expired": Badge(_("Incomplete"), BadgeClass.WAIT),
    "canceled": Badge(_("Ended"), BadgeClass.WAIT),
}
PAYMENT_BADGES: Mapping[str, Badge] = {
    "paid": Badge(_("Paid"), BadgeClass.GOOD),
    "failed": Badge(_("Failed"), BadgeClass.BAD),
    "canceled": Badge(_("Canceled"), BadgeClass.WAIT),
    "uncollectible": Badge(_("Written off"), BadgeClass.WAIT),
}
ADJUSTMENTS: Mapping[str, "StrOrPromise"] = {
    "discount": _("Discount"),
    "granted_credit": _("Credit"),
    "shipping": _("Shipping"),
    "credit_notes": _("Credit notes"),
    "tax": _("Tax"),
}
LONG_INTERVALS = {
    "day": _("every %(count)d days"),
    "week": _("every %(count)d weeks"),
    "month": _("every %(count)d months"),
    "year": _("every %(count)d years"),
}
INTERVALS = {"day": _("per day"), "week": _("per week"), "month": _("per month"), "year": _("per year")}


def subscription_badge(subscription: Subscription) -> Badge:
    """Return the badge of a subscription. A status that we don't know is shown in Stripe's own word."""
    if subscription.is_over:
        return SUBSCRIPTION_BADGES["canceled"]
    if subscription.is_suspended:
        return Badge(_("Suspended"), BadgeClass.BAD)
    if subscription.cancel_at and is_ahead(subscription.cancel_at) and subscription.gives_access:
        day = date_format(timezone.localtime(subscription.cancel_at), "DATE_FORMAT")
        return Badge(_("Cancels on %(day)s") % {"day": day}, BadgeClass.WAIT)
    if subscription.is_collection_paused and subscription.gives_access:
        return Badge(paused_until(subscription.collection_resumes_at), BadgeClass.WAIT)
    if subscription.status in OWING and subscription.open_payment and subscription.open_payment.is_awaiting_action:
        return AWAITING_CONFIRMATION
    status = subscription.status or "incomplete"
    return SUBSCRIPTION_BADGES.get(status) or Badge(status, BadgeClass.WAIT)


def payment_badge(payment: Payment) -> Badge:
    if payment.is_awaiting_action:
        return AWAITING_CONFIRMATION
    if payment.is_disputed:
        return Badge(_("Disputed"), BadgeClass.BAD)
    if payment.amount_refunded:
        is_all = payment.amount_refunded >= payment.amount
        return Badge(_("Refunded") if is_all else _("Partially refunded"), BadgeClass.WAIT)
    return PAYMENT_BADGES[payment.status]


def paused_until(resumes_at: datetime | None) -> str:
    """Return what the badge says while nothing is collected. A date that has passed isn't shown."""
    if not is_ahead(resumes_at):
        return str(_("Collection paused"))
    day = date_format(timezone.localtime(resumes_at), "DATE_FORMAT")
    return _("Collection paused until %(day)s") % {"day": day}


class Periodic(Protocol):
    """Something that is charged again and again."""

    @property
    def interval(self) -> str: ...

    @property
    def interval_count(self) -> int | None: ...


def period(bought: Periodic) -> "StrOrPromise":
    """Return how often the price is charged, such as "per month" or "every 3 months"."""
    count = bought.interval_count or 1
    if count == 1:
        return INTERVALS.get(bought.interval, bought.interval)
    name = LONG_INTERVALS.get(bought.interval)
    return name % {"count": count} if name else f"{count} × {bought.interval}"


def adjustment_name(name: str, amount: int) -> "StrOrPromise":
    """Return the label of a row between the lines and the amount due."""
    if name == "balance":
        return _("Credit for later invoices") if amount > 0 else _("Paid with your credit")
    return ADJUSTMENTS.get(name, name)


def due_banner(request: HttpRequest) -> str:
    """Return the HTML of the banner about missing payments, or an empty string."""
    dues = [] if getattr(request, HAS_NO_SUBSCRIPTION, False) else dues_of(cast(User, request.user).pk)
    return render_to_string("billing/banner.html", {"dues": dues}, request) if dues else ""


def invoice_link(payment: Payment) -> str:
    """Return where the payment's invoice or receipt can be opened, or an empty string if there is none.

    If Stripe can be asked, the link leads to a page of ours that does so, because Stripe's own links expire.
    """
    if not settings.STRIPE_SECRET_KEY:
        return invoices.stored_link(payment)
    if not invoices.has_document(payment):
        return ""
    # An open invoice can be paid on its page.
    return reverse(f"billing-pages:{'invoice' if payment.is_open else 'invoice-pdf'}", args=[payment.pk])


def invoice_label(payment: Payment) -> "StrOrPromise":
    """Return the words of that link."""
    return payment.number or (_("Invoice") if payment.is_invoice else _("Receipt"))


def plan_panel(request: HttpRequest) -> str:
    """Return the HTML of the dashboard's panel: plan, state, and next charge."""
    user = cast(User, request.user)
    subscription = Subscription.objects.current_of(user.pk)
    setattr(request, HAS_NO_SUBSCRIPTION, subscription is None)
    others = Subscription.objects.others_of(user.pk, subscription)
    context = {"subscription": subscription, "others": others, "free_plan": free_plan()}
    return render_to_string("billing/panel.html", context, request)
