"""Every page of the admin, derived from its routes, and a row of every model in it."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group
from django.db.models import Model
from django.urls import URLPattern, URLResolver
from django.utils import timezone

from accounts.models import User
from billing.models import (
    CleanupRequest,
    Customer,
    Dispute,
    Drift,
    EarlyFraudWarning,
    Payment,
    StripeEvent,
    Subscription,
    SubscriptionChange,
)
from billing.tests.support.stripe_events import payload
from emails.models import ContactChange, DeliveryAttempt, DeliveryEvent, OutboundEmail, ProviderState, Suppression
from operations.models import Report

EVENT = {**payload("invoice_paid_first"), "id": "evt_1", "type": "invoice.sent"}  # a type without a handler


def make_rows() -> dict[type[Model], Model]:
    """Store a row of every model in the admin, by its class."""
    now = timezone.now()
    user = User.objects.create_user("row@example.com", name="Row", email_verified_at=now)
    customer = Customer.objects.create(pk="cus_1", user=user, email=user.email)
    payment = Payment.objects.create(
        stripe_id="in_1", user=user, customer=customer, status="paid", amount=1, currency="usd"
    )
    subscription = Subscription.objects.create(pk="sub_1", customer=customer, status="active")
    rows: list[Model] = [
        user,
        customer,
        payment,
        Dispute.objects.create(pk="du_1", payment=payment, status="needs_response", amount=1, currency="usd"),
        Drift.objects.create(
            kind="subscription", object_id="sub_1", confirmed_at=now, differences={"status": ["", "x"]}
        ),
        EarlyFraudWarning.objects.create(pk="issfr_1", payment=payment, fraud_type="misc"),
        Group.objects.create(name="Support"),
        CleanupRequest.objects.create(action="delete_customer", object_id="cus_2"),
        ContactChange.objects.create(action="forget", address="row@example.com"),
        DeliveryAttempt.objects.create(provider="resend"),
        DeliveryEvent.objects.create(provider="resend", fingerprint="1", type="delivered", occurred_at=now, raw={}),
        OutboundEmail.objects.create(recipients="row@example.com", subject="Hello", metadata={"user_id": str(user.pk)}),
        ProviderState.objects.create(name="resend"),
        Suppression.objects.create(address="suppressed@example.com"),
        StripeEvent.objects.create(
            pk="evt_1", type=EVENT["type"], livemode=False, body=json.dumps(EVENT), created_at=now
        ),
        subscription,
        SubscriptionChange.objects.create(user=user, subscription=subscription, action="cancel"),
        Report.objects.create(process="worker-1", checked_at=now, findings=[]),
    ]
    return {type(row): row for row in rows}


class Route:
    """A route of the admin. `model` is None for the pages of the site itself."""

    def __init__(self, path: str, model: type[Model] | None) -> None:
        self.path, self.model = path, model

    def url(self, **values: str) -> str:
        """Return the path. Every parameter has the value of its name or, without one, the value of "other"."""
        path = self.path
        while "<" in path:
            before, _, rest = path.partition("<")
            name, _, after = rest.partition(">")
            path = before + values.get(name, values["other"]) + after
        return path

    def __repr__(self) -> str:
        return self.path


def routes() -> list[Route]:
    """Return every route of the admin with a parameter as <name>, in the order in which Django tries them."""
    models = {f"/admin/{model._meta.app_label}/{model._meta.model_name}/": model for model in admin.site._registry}
    return [
        Route(path, next((model for prefix, model in models.items() if path.startswith(prefix)), None))
        for path in paths(admin.site.get_urls(), "/admin/")
    ]


def paths(patterns: list[Any], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        text = str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, prefix + text)
        elif isinstance(pattern, URLPattern):
            yield prefix + "".join(parts_of(text))


def parts_of(pattern: str) -> Iterator[str]:
    """Yield the text of a pattern and its parameters as <name>: from ``<str:pk>/`` and from ``(?P<url>.*)$``."""
    if pattern.startswith("^(?P<app_label>"):
        yield "<app_label>/"
    elif pattern.startswith("(?P<url>"):
        yield "<url>"
    else:
        for number, part in enumerate(pattern.replace(">", "<").split("<")):
            yield f"<{part.rpartition(':')[2]}>" if number % 2 else part


def identifiers(row: Model) -> dict[str, str]:
    """Return the values for a route's parameters that lead to this row."""
    pk = str(quote(row.pk))
    return {"object_id": pk, "pk": pk, "id": pk, "other": "nonsense", "content_type_id": "1", "app_label": "accounts"}
