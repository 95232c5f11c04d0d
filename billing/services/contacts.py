"""What billing reports about a person's contact at the email provider, if CONTACTS_SYNC is on."""

import logging
from typing import Any

from django.conf import settings

from accounts.models import User
from billing.models import Customer, Subscription
from billing.plans import Plan
from emails import contacts

logger = logging.getLogger(__name__)

FREE = "free"
STARTED, ENDED = "subscription_started", "subscription_ended"


def attributes_of(user: User) -> dict[str, Any]:
    """Return the attributes of the user's contact: the slug of the plan, and whether they have one."""
    return attributes(Subscription.objects.of(user.pk).with_access().order_by("-version").first())


def attributes(subscription: Subscription | None) -> dict[str, Any]:
    plan = plan_of(subscription)
    return {"plan": plan.slug if plan else FREE, "customer": plan is not None}


def plan_of(subscription: Subscription | None) -> Plan | None:
    """Return the plan that the subscription gives access to."""
    return subscription.plan if subscription and subscription.gives_access else None


def report_change(subscription: Subscription, plan_before: Plan | None) -> None:
    """Update the contact, and report an event if the subscription started or ended.

    Call it in the transaction that changed the subscription. ``plan_before`` is what ``plan_of()`` returned before.
    """
    plan = plan_of(subscription)
    if plan == plan_before or not settings.CONTACTS_SYNC:
        return
    customer = Customer.objects.select_related("user").filter(pk=subscription.customer_id, erased_at=None).first()
    if customer is None:
        return
    if plan is None and plan_before is not None:
        report(customer, ENDED, plan_before)
    else:
        report(customer, STARTED if plan_before is None else "", plan)


def report_owner(customer_id: str, address_before: str) -> None:
    """Report what the customer has, because it only now became known who it is.

    ``address_before`` is where changes were reported until now, or empty.
    """
    if not settings.CONTACTS_SYNC:
        return
    customer = Customer.objects.select_related("user").get(pk=customer_id)
    for subscription in Subscription.objects.filter(customer=customer_id).with_access():
        report(customer, "" if address_before == address_of(customer) else STARTED, plan_of(subscription))


def report(customer: Customer, event: str, plan: Plan | None) -> None:
    """Update the contact's attributes, and report the event, if any, with the plan that it is about."""
    address = address_of(customer)
    if not address:
        return  # report_owner() follows once it is known
    try:
        if customer.user:
            contacts.update(address, attributes_of(customer.user), external_id=str(customer.user_id))
        else:
            current = customer.subscriptions.all().with_access().order_by("-version").first()
            contacts.update(address, attributes(current))
        if event and plan:
            contacts.track_event(address, event, {"plan": plan.slug})
    except contacts.InvalidContact as error:  # Stripe accepts more addresses than we do
        logger.warning("The contact of customer %s isn't updated: %s", customer.pk, error)


def address_of(customer: Customer) -> str:
    return customer.user.email if customer.user else customer.email
