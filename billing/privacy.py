"""What billing knows about a person: the events, the export, and the deletion, which accounts calls as hooks."""

import json
from collections.abc import Collection
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.deletion import own_addresses
from billing.models import (
    Card,
    Customer,
    EventAddress,
    Payment,
    StripeEvent,
    Subscription,
    SubscriptionChange,
)
from billing.services import charges, erasures, trials

CUSTOMER_FIELDS = ("id", "email", "name", "created_at", "deleted_at")
SUBSCRIPTION_FIELDS = (
    "id",
    "status",
    "price_id",
    "items",
    "recurring_amount",
    "currency",
    "interval",
    "interval_count",
    "quantity",
    "current_period_end",
    "trial_end",
    "without_card",
    "unpaid_since",
    "cancel_at",
    "is_collection_paused",
    "collection_resumes_at",
    "has_schedule",
    "ended_at",
    "end_reason",
)
CARD_FIELDS = ("id", "brand", "last4", "expires_at", "is_detached")
CHANGE_FIELDS = ("subscription_id", "action", "plan", "amount_due", "currency", "status", "created_at", "finished_at")
PAYMENT_FIELDS = (
    "stripe_id",
    "subscription_id",
    "status",
    "amount",
    "currency",
    "description",
    "product",
    "number",
    "email",
    "invoice_url",
    "paid_at",
    "created_at",
)


def events_of(user: User) -> QuerySet[StripeEvent]:
    """Return the events of the user's customers, of their purchases without a customer, and of what became of them."""
    # Two queries, because with OR, the database would read all events to compare each with both.
    events = StripeEvent.objects.exclude(object_id="").order_by()
    customers = Customer.objects.filter(user=user).values("pk")
    by_customer = events.exclude(customer_id="").filter(customer_id__in=customers)
    payments = Payment.objects.of(user.pk)
    by_object = events.filter(object_id__in=payments.values("stripe_id"))
    # Events of refunds and disputes name neither the customer nor the payment.
    by_charge = events.filter(object_id__in=charges.ids_of_events(payments))
    found = by_customer.values("pk").union(by_object.values("pk"), by_charge.values("pk"))
    return StripeEvent.objects.filter(pk__in=found)


# The export


def export_customers(user: User) -> list[dict[str, Any]]:
    return [*Customer.objects.filter(user=user).values(*CUSTOMER_FIELDS)]


def export_subscriptions(user: User) -> list[dict[str, Any]]:
    return [*Subscription.objects.of(user.pk).values(*SUBSCRIPTION_FIELDS)]


def export_cards(user: User) -> list[dict[str, Any]]:
    return [*Card.objects.filter(customer__user=user).values(*CARD_FIELDS)]


def export_changes(user: User) -> list[dict[str, Any]]:
    return [*SubscriptionChange.objects.of(user.pk).values(*CHANGE_FIELDS)]


def export_payments(user: User) -> list[dict[str, Any]]:
    payments = Payment.objects.of(user.pk).with_refunds()
    return [
        {name: getattr(payment, name) for name in PAYMENT_FIELDS} | {"amount_refunded": payment.amount_refunded}
        for payment in payments
    ]


def export_events(user: User) -> list[dict[str, Any]]:
    """Return the events as Stripe sent them."""
    return [json.loads(event.body) for event in events_of(user).exclude(body="")]


# Deletion


def guard_deletion(user: User) -> str:
    """Return why the account can't be deleted yet, or an empty string: Stripe would go on charging for nobody."""
    charged = Subscription.objects.of(user.pk).live().filter(cancel_at=None).first()
    if charged is None:
        return ""
    sentence = _("You're still being charged for your %(plan)s subscription. Cancel it on the billing page first.")
    return (sentence % {"plan": charged.plan_name}).replace("  ", " ")


def forget(sender: type[User], instance: User, **_: Any) -> None:
    """Receiver of ``pre_delete``, which Django sends however the user is deleted."""
    erase(instance)


def erase(user: User) -> None:
    """Blank the personal data, keep what bookkeeping needs, and request the end of what is open at Stripe.

    Call it in a transaction, while the rows still refer to the user.
    """
    # Locked, so that a checkout at the same moment has stored its rows before, or finds no user after it.
    User.objects.select_for_update().filter(pk=user.pk).first()
    addresses = own_addresses(user)
    erasures.remember(user, addresses, had_trial=trials.has_had_trial(user))
    erasures.request_cleanup(user)
    events = [*events_to_erase(user, addresses).values_list("pk", flat=True)]
    StripeEvent.objects.filter(pk__in=events).update(body="", error="")
    EventAddress.objects.filter(event__in=events).delete()
    Payment.objects.of(user.pk).update(email="", invoice_url="")
    erasures.forget_guest_payments(addresses)
    Card.objects.filter(customer__user=user).delete()
    Customer.objects.filter(user=user).update(email="", name="", erased_at=Now())


def events_to_erase(user: User, addresses: Collection[str]) -> QuerySet[StripeEvent]:
    """Return the user's events, and those that only name an address of the user, such as a purchase as a guest.

    The latter aren't part of the export, because anybody can type any address in a checkout.
    """
    by_address = EventAddress.objects.filter(address__in=addresses).values("event")
    return StripeEvent.objects.filter(Q(pk__in=events_of(user).values("pk")) | Q(pk__in=by_address))
