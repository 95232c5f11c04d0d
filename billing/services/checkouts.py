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
from billing.gateway.api import StripeApi
from billing.models import Checkout, Subscription
from billing.payloads import Session
from billing.payloads.values import Payload, link, own_id, text
from billing.plans import Plan, all_plans, plan_by_slug
from billing.services import customers, subscriptions
from billing.services.stripe_customers import customer_at_stripe, known_customer
from common.db import insert_if_absent

TRIES = 4
OPEN, COMPLETE, EXPIRED = "open", "complete", "expired"  # Stripe's words for the states of a session
NOT_MADE = ""  # as far as we know: the checkout's id makes it, however often it is asked for


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
            if not tries_left or not error.is_outdated:
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
        if error.missing != "customer":
            raise
        customers.note_deletion(customer)
        raise NothingBought from None
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


def begin(api: StripeApi, user: User, plan: Plan) -> str:
    checkout = open_checkout(api, user, plan)
    if checkout.url:
        return checkout.url
    session = ask_for_session(api, checkout, buyer_of(api, checkout, user))
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
        state = state_of(api, current)
        fits = Checkout.objects.filter(pk=current.pk).reusable_for(plan.slug, plan.price_id).exists()
        if fits and state in (OPEN, NOT_MADE):
            return current
        end(api, current, state)
        refuse_second_subscription(user)
    insert_if_absent([Checkout(user=user, plan=plan.slug, price_id=plan.price_id)])
    found = Checkout.objects.open_of(user.pk).filter(plan=plan.slug, price_id=plan.price_id).first()
    if found is None:
        raise CheckoutSuperseded
    return found


def state_of(api: StripeApi, checkout: Checkout) -> str:
    """What Stripe calls it. What was bought meanwhile is noted, though its event may be late."""
    if not checkout.session_id:
        return NOT_MADE
    try:
        session = api.checkout_session(checkout.session_id)
    except StripeRefused as error:
        if error.missing:
            return EXPIRED
        raise
    if session.get("status") == COMPLETE:
        note_completion(Session.read(session))
    return text(session.get("status"))


def end(api: StripeApi, checkout: Checkout, state: str) -> None:
    """Nobody can pay on its page afterwards."""
    if state == OPEN:
        try:
            api.expire_checkout_session(checkout.session_id)
        except StripeRefused:  # it was paid, or it expired, in this very moment
            state_of(api, checkout)
    Checkout.objects.filter(pk=checkout.pk, closed_at=None).update(closed_at=Now())


def note_completion(session: Session) -> None:
    with transaction.atomic():
        close(session.id)
        if session.subscription:
            subscriptions.note_checkout(session, datetime.now(UTC))


def buyer_of(api: StripeApi, checkout: Checkout, user: User) -> str:
    """The customer, the same in every call for this checkout: a key holds for the same words only."""
    if not checkout.customer_id:
        row = Checkout.objects.filter(pk=checkout.pk)
        row.filter(customer_id="").update(customer_id=customer_at_stripe(api, user))
        checkout.customer_id = row.values_list("customer_id", flat=True)[0]
    return checkout.customer_id


def ask_for_session(api: StripeApi, checkout: Checkout, customer: str) -> Payload:
    try:
        return api.create_checkout_session(key=str(checkout.pk), **parameters(checkout, customer))
    except StripeUnavailable as error:
        if error.is_final:
            Checkout.objects.filter(pk=checkout.pk).update(closed_at=Now())
        raise
    except StripeRefused as error:
        unchanged = Checkout.objects.filter(pk=checkout.pk, customer_id=customer, session_id="")
        if error.missing == "customer":
            customers.note_deletion(customer)
            unchanged.update(customer_id="")
        elif error.is_other_request:
            unchanged.update(closed_at=Now())
        raise


def parameters(checkout: Checkout, customer: str) -> dict[str, Any]:
    mark = {"user_id": str(checkout.user_id)}
    return {
        "mode": "subscription",
        "line_items": [{"price": checkout.price_id, "quantity": 1}],
        "customer": customer,
        "client_reference_id": str(checkout.user_id),
        "metadata": mark,
        "subscription_data": {"metadata": mark},
        "success_url": f"{billing_page()}?checkout=done",
        "cancel_url": f"{billing_page()}?checkout=cancelled",
    }


def page_of(session: dict[str, Any] | Payload) -> str:
    if not (url := link(session.get("url"))):
        raise StripeUnavailable
    return url


def billing_page() -> str:
    return f"{settings.APP_URL}/billing"
