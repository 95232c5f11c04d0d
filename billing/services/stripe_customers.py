"""The Stripe customer of a user: exactly one, created by the first checkout."""

import uuid
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.models import User
from billing.errors import AccountDeleted, StripeRefused, StripeUnavailable
from billing.gateway.api import StripeApi
from billing.models import Customer, CustomerRequest, Subscription
from billing.payloads import CustomerRef, mark
from billing.services.customers import Payer, identify
from common.db import insert_if_absent

KEY_LIFE = timedelta(hours=23)  # Stripe remembers the result of an Idempotency-Key for 24 hours


def known_customer(user: User) -> str:
    """Return the id of the user's customer, or an empty string if there is none or it was deleted at Stripe.

    If there are several, the customer of a live subscription comes first.
    """
    # A person can have several customers. The portal must show the one with the subscription.
    subscription = Subscription.objects.of(user.pk).live().filter(customer__deleted_at=None).first()
    if subscription is not None and subscription.customer_id:
        return subscription.customer_id
    newest = Customer.objects.usable().filter(user=user).order_by("-created_at").first()
    return newest.pk if newest else ""


def customer_at_stripe(api: StripeApi, user: User) -> str:
    """Get or create the user's Stripe customer, and return its id. Safe to call concurrently.

    Raises ``StripeUnavailable`` or ``StripeRefused``.
    """
    if customer_id := known_customer(user):
        return customer_id
    request = request_for(user)
    customer_id = request.customer_id or create(api, request)
    if store(request, customer_id).is_erased:
        raise AccountDeleted
    return customer_id


def store(request: CustomerRequest, customer_id: str) -> Payer:
    """Store the customer, and return it as a payer, who is erased if the user was deleted during the call."""
    ref = CustomerRef(customer_id, request.user_id, request.email, request.name, is_marked=True)
    try:
        with transaction.atomic():
            CustomerRequest.objects.filter(pk=request.pk, key=request.key).update(customer_id=customer_id)
            return identify(ref)
    except IntegrityError:
        # The user was deleted between our query and our commit. Now, that is known.
        with transaction.atomic():
            return identify(ref)


def request_for(user: User) -> CustomerRequest:
    """Return the user's stored request, with a new key if its customer has been deleted at Stripe."""
    insert_if_absent([CustomerRequest(user=user, email=user.email, name=user.name)])
    request = CustomerRequest.objects.get(user=user)
    # The stored customer may have been deleted at Stripe, and its key would return the deleted one.
    is_deleted = Customer.objects.filter(pk=request.customer_id or None).exclude(deleted_at=None).exists()
    return with_new_key(request) if is_deleted else request


def with_new_key(request: CustomerRequest) -> CustomerRequest:
    """Give the request a new key unless another process has just done so. Returns the stored request."""
    user = request.user
    changes = {"key": uuid.uuid4(), "email": user.email, "name": user.name, "customer_id": "", "made_at": Now()}
    CustomerRequest.objects.filter(pk=request.pk, key=request.key).update(**changes)
    return CustomerRequest.objects.select_related("user").get(pk=request.pk)


def create(api: StripeApi, request: CustomerRequest) -> str:
    """Create the customer with the request's key, and return its id."""
    # Stripe repeats its response for a key, so repeated requests create one customer. Once the key has expired, an
    # earlier attempt whose response was lost may have created the customer: look for it first.
    if CustomerRequest.objects.filter(pk=request.pk, made_at__lt=Now() - KEY_LIFE).exists():
        if customer_id := find(api, request):
            return customer_id
        request = with_new_key(request)
    try:
        return api.create_customer(
            key=f"customer-{request.key}",
            email=request.email,
            name=request.name,
            metadata=mark(request.user_id) | request_mark(request),
        )
    except StripeRefused as error:
        # The metadata has changed since the key was used (INSTALLATION_ID), so the customer may exist. The next attempt
        # has a new key.
        if not error.is_key_reused:
            raise
        if customer_id := find(api, request):
            return customer_id
        with_new_key(request)
        raise
    except StripeUnavailable as error:
        if not error.is_replayed:
            raise
        # Stripe would repeat this error for the key, although it may have created the customer.
        if customer_id := find(api, request):
            return customer_id
        with_new_key(request)
        raise


def find(api: StripeApi, request: CustomerRequest) -> str:
    """Return the id of the customer that this request created, or an empty string."""
    # The random key alone identifies it. The rest of the mark may have been another one at that time.
    return api.find_customer(email=request.email, metadata=request_mark(request))


def request_mark(request: CustomerRequest) -> dict[str, str]:
    return {"request": str(request.key)}
