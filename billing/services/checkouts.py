"""Stripe's Checkout and customer portal: the pages on which a person buys a plan and manages it.

No row is locked and no transaction is open during a call to Stripe. Unique constraints and conditional updates decide
between two clicks.
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.models import User
from billing.errors import (
    AccountDeleted,
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
from billing.models import Checkout, CleanupRequest, Subscription
from billing.payloads import CheckoutSession, StripeObject, mark
from billing.plans import Plan, all_plans, plan_by_slug
from billing.services import customers, erasures, subscriptions
from billing.services.stripe_customers import customer_at_stripe, known_customer
from common.db import insert_if_absent

MAX_ATTEMPTS = 4
OPEN, COMPLETE, EXPIRED = "open", "complete", "expired"  # Stripe's names for the states of a session
NOT_CREATED = ""  # no session is known; creating it again with the checkout's id as the key is safe


def start_checkout(*, user: User, plan: str) -> str:
    """Return the URL of Stripe's page on which the user buys the plan. Raises ``BillingError``.

    A second call returns the same page while it is open.
    """
    chosen = plan_for_sale(plan)
    api = StripeApi()
    if chosen.prices[0].is_placeholder:
        raise PlanNotSetUp(chosen.name)
    attempts = 0
    while True:
        refuse_second_subscription(user)
        attempts += 1
        try:
            return page_for(api, user, chosen)
        except StripeRefused as error:
            # What was outdated (a deleted customer, a used key) has been corrected, so the next attempt can succeed.
            if attempts == MAX_ATTEMPTS or not error.is_outdated:
                raise
        except (IntegrityError, ObjectDoesNotExist):
            # The user was deleted in the meantime, and with it the rows that this request works on.
            if User.objects.filter(pk=user.pk).exists():
                raise
            raise AccountDeleted from None


def open_portal(*, user: User) -> str:
    """Return the URL of Stripe's page on which the user changes card, plan, or address, cancels, and finds invoices.

    The page can be opened for some minutes. Raises ``BillingError``.
    """
    api = StripeApi()
    customer = known_customer(user)
    if not customer:
        raise NothingBought
    try:
        session = api.create_portal_session(customer=customer, return_url=f"{settings.APP_URL}/billing")
    except StripeRefused as error:
        if error.missing != "customer":
            raise
        # The customer was deleted at Stripe, and its event has not arrived yet.
        customers.record_deletion(customer)
        raise NothingBought from None
    return url_of(session)


def close(session_id: str) -> None:
    """Close the checkout whose session is over. The next attempt to buy creates a new one."""
    Checkout.objects.filter(session_id=session_id, closed_at=None).update(closed_at=Now())


def plan_for_sale(slug: str) -> Plan:
    if (plan := plan_by_slug(slug)) is None or plan.is_free:
        raise UnknownPlan(plan.slug for plan in all_plans() if not plan.is_free)
    return plan


def refuse_second_subscription(user: User) -> None:
    if Subscription.objects.of(user.pk).live().exists():
        raise AlreadySubscribed


def page_for(api: StripeApi, user: User, plan: Plan) -> str:
    """Return the URL of the user's open session for the plan, which is created if necessary.

    Raises ``CheckoutSuperseded`` if another request closed the checkout during the call to Stripe.
    """
    checkout = open_checkout(api, user, plan)
    if checkout.url:
        return checkout.url
    session = create_session(api, checkout, customer_for(api, checkout, user))
    url = url_of(session)
    open_row = Checkout.objects.filter(pk=checkout.pk, closed_at=None)
    if not open_row.update(session_id=session.require_id(), url=url):
        close_unused_page(api, session.require_id())
        raise AccountDeleted if not User.objects.filter(pk=user.pk).exists() else CheckoutSuperseded
    return url


def close_unused_page(api: StripeApi, session_id: str) -> None:
    """Close a page whose checkout is over, for example because its user was deleted during the call."""
    # Stored first, so that a task closes the page if Stripe doesn't respond or this process dies.
    erasures.request(CleanupRequest.Action.EXPIRE_SESSION, session_id)
    with suppress(BillingError):
        api.expire_checkout_session(session_id)
        CleanupRequest.objects.filter(object_id=session_id).update(due_at=None, done_at=Now())


def open_checkout(api: StripeApi, user: User, plan: Plan) -> Checkout:
    """Return the user's only open checkout, which is for this plan. Its session may still have to be created.

    Raises ``CheckoutSuperseded`` if another click, for another plan, was faster.
    """
    if (current := Checkout.objects.open_of(user.pk).first()) is not None:
        state = state_of(api, current)
        fits = Checkout.objects.filter(pk=current.pk).reusable_for(plan.slug, plan.prices[0].id).exists()
        if fits and state in (OPEN, NOT_CREATED):
            return current
        close_with_page(api, current, state)
        # The check at the start is outdated: the old session may have been paid just before it was ended.
        refuse_second_subscription(user)
    # Two clicks, in two tabs or for two plans, can both get here. A unique constraint allows one open checkout for each
    # user, so one of the two inserts is ignored, and both requests read the row that won.
    insert_if_absent([Checkout(user=user, plan=plan.slug, price_id=plan.prices[0].id)])
    checkout = Checkout.objects.open_of(user.pk).filter(plan=plan.slug, price_id=plan.prices[0].id).first()
    if checkout is None:
        raise CheckoutSuperseded
    return checkout


def state_of(api: StripeApi, checkout: Checkout) -> str:
    """Ask Stripe for the session's state. A purchase is stored right away, because its event may be late."""
    if not checkout.session_id:
        return NOT_CREATED
    try:
        session = api.checkout_session(checkout.session_id)
    except StripeRefused as error:
        if error.missing:
            return EXPIRED
        raise
    if session.text("status") == COMPLETE:
        record_completion(CheckoutSession.read(session))
    return session.text("status")


def close_with_page(api: StripeApi, checkout: Checkout, state: str) -> None:
    """Close the checkout, and its page at Stripe so that nobody can pay there."""
    if state == OPEN:
        try:
            api.expire_checkout_session(checkout.session_id)
        except StripeRefused:
            # The session was paid or expired since we asked. If it was paid, this stores the purchase.
            state_of(api, checkout)
    Checkout.objects.filter(pk=checkout.pk, closed_at=None).update(closed_at=Now())


def record_completion(session: CheckoutSession) -> None:
    with transaction.atomic():
        close(session.id)
        if session.subscription:
            subscriptions.record_checkout(session, datetime.now(UTC))


def customer_for(api: StripeApi, checkout: Checkout, user: User) -> str:
    """Return the id of the customer who buys."""
    # Stored with the checkout, because every call with the same Idempotency-Key must have the same parameters.
    if not checkout.customer_id:
        row = Checkout.objects.filter(pk=checkout.pk)
        row.filter(customer_id="").update(customer_id=customer_at_stripe(api, user))
        checkout.customer_id = row.values_list("customer_id", flat=True).get()
    return checkout.customer_id


def create_session(api: StripeApi, checkout: Checkout, customer: str) -> StripeObject:
    """Create the session, or return the one that an earlier call with the checkout's key created.

    If Stripe can never accept this call, the checkout is corrected or closed before the error is raised again.
    """
    try:
        return api.create_checkout_session(key=str(checkout.pk), **session_parameters(checkout, customer))
    except StripeUnavailable as error:
        if error.is_replayed:
            # Stripe repeats this failure for the same key, so the next attempt needs a new checkout.
            Checkout.objects.filter(pk=checkout.pk).update(closed_at=Now())
        raise
    except StripeRefused as error:
        unchanged = Checkout.objects.filter(pk=checkout.pk, customer_id=customer, session_id="")
        if error.missing == "customer":
            customers.record_deletion(customer)
            unchanged.update(customer_id="")
        elif error.is_key_reused:
            # The parameters have changed since the key was used, for example APP_URL. A new checkout has a new key.
            unchanged.update(closed_at=Now())
        raise


def session_parameters(checkout: Checkout, customer: str) -> dict[str, Any]:
    """Return the parameters of the call. The metadata links the session's events to the user."""
    metadata = mark(checkout.user_id)
    page = f"{settings.APP_URL}/billing"
    return {
        "mode": "subscription",
        "line_items": [{"price": checkout.price_id, "quantity": 1}],
        "customer": customer,
        "client_reference_id": str(checkout.user_id),
        "metadata": metadata,
        "subscription_data": {"metadata": metadata},
        "success_url": f"{page}?checkout=done",
        "cancel_url": f"{page}?checkout=cancelled",
    }


def url_of(session: StripeObject) -> str:
    """Return the URL of the session's page. Raises ``StripeUnavailable`` if it isn't an https URL."""
    if not (url := session.link("url")):
        raise StripeUnavailable
    return url
