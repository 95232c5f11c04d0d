"""What billing knows of a person: for accounts, which asks through its registries, and forgotten with the user."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from accounts.hooks import TimelineEntry
from accounts.models import User
from billing.models import Customer, Payment, StripeEvent, Subscription

NEWEST = 200  # of each kind, in the timeline

CUSTOMER = ("id", "email", "name", "created_at", "deleted_at")
SUBSCRIPTION = (
    "id", "status", "price_id", "unit_amount", "currency", "interval", "quantity", "current_period_end", "trial_end",
    "cancel_at", "ended_at", "end_reason",
)  # fmt: skip
PAYMENT = (
    "stripe_id", "subscription_id", "status", "amount", "currency", "description", "number", "email", "invoice_url",
    "paid_at", "created_at",
)  # fmt: skip


def events_of(user: User) -> QuerySet[StripeEvent]:
    """Those of their customers, and those of sales that have no customer."""
    customers = Customer.objects.filter(user=user).values("pk")
    payments = Payment.objects.of(user.pk).values("stripe_id")
    return StripeEvent.objects.filter(Q(customer_id__in=customers) | Q(object_id__in=payments)).exclude(object_id="")


# The timeline


def timeline(user: User) -> Iterator[TimelineEntry]:
    for event in events_of(user).defer("body", "error")[:NEWEST]:
        detail = event.note or event.get_status_display()
        yield TimelineEntry(event.created_at, event.type, detail, admin_url(event))
    for payment in Payment.objects.of(user.pk)[:NEWEST]:
        detail = " ".join(filter(None, [payment.description, payment.number]))
        yield TimelineEntry(payment.paid_at or payment.created_at, str(payment), detail, admin_url(payment))
    for subscription in Subscription.objects.of(user.pk)[:NEWEST]:
        if subscription.told_at:
            yield TimelineEntry(subscription.told_at, str(subscription), subscription.pk, admin_url(subscription))


def admin_url(row: StripeEvent | Payment | Subscription) -> str:
    try:
        return reverse(f"admin:billing_{row._meta.model_name}_change", args=[quote(row.pk)])
    except NoReverseMatch:
        return ""


# The export


def export_customers(user: User) -> list[dict[str, Any]]:
    return [*Customer.objects.filter(user=user).values(*CUSTOMER)]


def export_subscriptions(user: User) -> list[dict[str, Any]]:
    return [*Subscription.objects.of(user.pk).values(*SUBSCRIPTION)]


def export_payments(user: User) -> list[dict[str, Any]]:
    payments = Payment.objects.of(user.pk).with_refunds()
    return [
        {name: getattr(payment, name) for name in PAYMENT} | {"amount_refunded": payment.amount_refunded}
        for payment in payments
    ]


def export_events(user: User) -> list[dict[str, Any]]:
    """As Stripe sent them."""
    return [json.loads(event.body) for event in events_of(user).exclude(body="")]


# The end of an account


def guard_deletion(user: User) -> str:
    """A subscription that is charged again would go on without anybody to use it."""
    charged = Subscription.objects.of(user.pk).live().filter(cancel_at=None).first()
    if charged is None:
        return ""
    sentence = _("You're still being charged for your %(plan)s subscription. Cancel it on the billing page first.")
    return (sentence % {"plan": charged.plan_name}).replace("  ", " ")


def forget(sender: type[User], instance: User, **_: Any) -> None:
    """Before a user is deleted, by whomever."""
    erase(instance)


def erase(user: User) -> None:
    """Blank what tells of the person, and keep what bookkeeping needs. Call it while they are still linked."""
    events_of(user).update(body="", error="")
    Payment.objects.of(user.pk).update(email="", invoice_url="")
    Customer.objects.filter(user=user).update(email="", name="", erased_at=Now())
