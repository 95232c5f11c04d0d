"""The one customer at Stripe that a user is, made with the first checkout."""

import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from billing.errors import StripeUnavailable
from billing.gateway.api import StripeApi
from billing.models import Customer, CustomerRequest, Subscription
from billing.payloads import Party
from billing.services.customers import identify
from common.db import insert_if_absent

KEY_LIFE = timedelta(hours=23)  # Stripe remembers what a key did for 24


def known_customer(user: User) -> str:
    """The id; that of a live subscription goes first. Empty where there is none, or it was deleted at Stripe."""
    subscription = Subscription.objects.of(user.pk).live().filter(customer__deleted_at=None).first()
    if subscription is not None and subscription.customer_id:
        return subscription.customer_id
    newest = Customer.objects.usable().filter(user=user).order_by("-created_at").first()
    return newest.pk if newest else ""


def customer_at_stripe(api: StripeApi, user: User) -> str:
    """The id of the user's customer, which is made where there is none. May be called by any number at a time."""
    if customer_id := known_customer(user):
        return customer_id
    request = request_for(user)
    customer_id = request.customer_id or ask(api, request)
    with transaction.atomic():
        CustomerRequest.objects.filter(pk=request.pk, key=request.key).update(customer_id=customer_id)
        identify(Party(customer_id, user.pk, request.email, request.name))
    return customer_id


def request_for(user: User) -> CustomerRequest:
    new = CustomerRequest(user=user, email=user.email, name=user.name)
    insert_if_absent([new])
    request = CustomerRequest.objects.get(user=user)
    is_deleted = Customer.objects.filter(pk=request.customer_id or None).exclude(deleted_at=None).exists()
    return renewed(request) if is_deleted else request


def renewed(request: CustomerRequest) -> CustomerRequest:
    """With another key, unless somebody else gave it one in the meantime."""
    user = request.user
    news = {"key": uuid.uuid4(), "email": user.email, "name": user.name, "customer_id": "", "made_at": Now()}
    CustomerRequest.objects.filter(pk=request.pk, key=request.key).update(**news)
    return CustomerRequest.objects.select_related("user").get(pk=request.pk)


def ask(api: StripeApi, request: CustomerRequest) -> str:
    """Repeat the request under its key. Where that is no protection, look for what an earlier try may have made."""
    if CustomerRequest.objects.filter(pk=request.pk, made_at__lt=Now() - KEY_LIFE).exists():
        if found := find(api, request):
            return found
        request = renewed(request)
    try:
        return api.create_customer(
            key=f"customer-{request.key}", email=request.email, name=request.name, metadata=metadata(request)
        )
    except StripeUnavailable as error:
        if not error.is_final:
            raise
        if found := find(api, request):
            return found
        renewed(request)
        raise


def find(api: StripeApi, request: CustomerRequest) -> str:
    return api.find_customer(email=request.email, metadata=metadata(request))


def metadata(request: CustomerRequest) -> dict[str, str]:
    return {"user_id": str(request.user_id), "request": str(request.key)}
