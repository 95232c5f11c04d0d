"""Checkout and portal: what a person asks of Stripe.

Nothing is locked and no transaction is open while Stripe is asked: rows and conditional updates decide between two
clicks.
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from billing.errors import (
    AlreadySubscribed,
    BillingError,
    CheckoutSuperseded,
    NothingBought,
    PlanNotSetUp,
    StripeRefused,
    StripeUnavailable,
    UnknownPlan,
)
from billing.models import Checkout, Subscription
from billing.payloads import Payload, Session, link, own_id
from billing.plans import Plan, all_plans, plan_by_slug
from billing.services import customers, subscriptions
from billing.services.buyers import customer_at_stripe, known_customer
from billing.stripe_api import StripeApi

TRIES = 3


def start_checkout(*, user: User, plan: str) -> str:
    """The address of Stripe's page on which the user buys the plan. A second call gives the same page as long as that
    is open. Raises ``BillingError``."""
    chosen = plan_for_sale(plan)
    api = StripeApi()
    if chosen.is_placeholder:
        raise PlanNotSetUp(chosen.name)
    for tries_left in reversed(range(TRIES)):
        refuse_second_subscription(user)
        try:
            return begin(api, user, chosen)
        except StripeRefused as error:
            if not tries_left or not is_mended(error, user):
                raise
    raise AssertionError("unreachable")


def open_portal(*, user: User) -> str:
    """The address of Stripe's page on which the user changes card, plan or address, cancels, and finds invoices. It
    lives for some minutes. Raises ``BillingError``."""
    api = StripeApi()
    customer = known_customer(user)
    if not customer:
        raise NothingBought
    try:
        session = api.create_portal_session(customer=customer, return_url=billing_page())
    except StripeRefused as error:
        if is_mended(error, user):
            raise NothingBought from None
        raise
    return page_of(session)


def close(session_id: str) -> None:
    """The session is over: the next try to buy makes a new one."""
    Checkout.objects.filter(session_id=session_id, closed_at=None).update(closed_at=Now())


def plan_for_sale(slug: str) -> Plan:
    if (plan := plan_by_slug(slug)) is None:
        raise UnknownPlan(plan.slug for plan in all_plans())
    return plan


def refuse_second_subscription(user: User) -> None:
    if Subscription.objects.of(user.pk).live().exists():
        raise AlreadySubscribed


def is_mended(error: StripeRefused, user: User) -> bool:
    """Two refusals say that what we know is out of date: then it is forgotten, and the next try asks for it anew."""
    if error.missing == "customer":
        customers.note_deletion(known_customer(user))
    elif error.is_other_request:
        Checkout.objects.open_of(user.pk).update(closed_at=Now())
    return bool(error.missing == "customer" or error.is_other_request)


def begin(api: StripeApi, user: User, plan: Plan) -> str:
    checkout = open_checkout(api, user, plan)
    if checkout.url:
        return checkout.url
    session = ask_for_session(api, checkout, customer_at_stripe(api, user))
    url = page_of(session)
    is_ours = Checkout.objects.filter(pk=checkout.pk, closed_at=None).update(session_id=own_id(session), url=url)
    if not is_ours:
        with suppress(BillingError):  # nobody has its address
            api.expire_checkout_session(own_id(session))
        raise CheckoutSuperseded
    return url


def open_checkout(api: StripeApi, user: User, plan: Plan) -> Checkout:
    """The user's only open checkout; one for another plan is ended first. Its session may still have to be made."""
    if (current := Checkout.objects.open_of(user.pk).first()) is not None:
        if Checkout.objects.filter(pk=current.pk).reusable_for(plan.slug, plan.price_id) and is_open(api, current):
            return current
        end(api, current)
        refuse_second_subscription(user)
    new = Checkout(user=user, plan=plan.slug, price_id=plan.price_id)
    Checkout.objects.bulk_create([new], ignore_conflicts=True)
    found = Checkout.objects.open_of(user.pk).filter(plan=plan.slug, price_id=plan.price_id).first()
    if found is None:
        raise CheckoutSuperseded
    return found


def is_open(api: StripeApi, checkout: Checkout) -> bool:
    """One whose session is not known yet is: its id makes that session, however often it is asked for."""
    return not checkout.session_id or state_of(api, checkout) == "open"


def state_of(api: StripeApi, checkout: Checkout) -> str:
    """What Stripe calls it. What was bought meanwhile is noted, though its event may be late."""
    try:
        session = api.checkout_session(checkout.session_id)
    except StripeRefused as error:
        if error.missing:
            return "expired"
        raise
    state = str(session.get("status") or "")
    if state == "complete":
        note_completion(Session.read(session))
    return state


def note_completion(session: Session) -> None:
    with transaction.atomic():
        close(session.id)
        if session.subscription:
            subscriptions.note_checkout(session, datetime.now(UTC))


def end(api: StripeApi, checkout: Checkout) -> None:
    """Nobody can pay on its page afterwards."""
    if checkout.session_id:
        try:
            api.expire_checkout_session(checkout.session_id)
        except StripeRefused:  # it is over already
            state_of(api, checkout)
    Checkout.objects.filter(pk=checkout.pk, closed_at=None).update(closed_at=Now())


def ask_for_session(api: StripeApi, checkout: Checkout, customer: str) -> Payload:
    mark = {"user_id": str(checkout.user_id)}
    try:
        return api.create_checkout_session(
            key=str(checkout.pk),
            mode="subscription",
            line_items=[{"price": checkout.price_id, "quantity": 1}],
            customer=customer,
            client_reference_id=str(checkout.user_id),
            metadata=mark,
            subscription_data={"metadata": mark},
            success_url=f"{billing_page()}?checkout=done",
            cancel_url=f"{billing_page()}?checkout=cancelled",
        )
    except StripeUnavailable as error:
        if error.is_final:
            Checkout.objects.filter(pk=checkout.pk).update(closed_at=Now())
        raise


def page_of(session: dict[str, Any] | Payload) -> str:
    if not (url := link(session.get("url"))):
        raise StripeUnavailable
    return url


def billing_page() -> str:
    return f"{settings.APP_URL}/billing"
