"""Filters by event type and currency, whose choices don't come from a scan of a whole table, and by address."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing.models import Customer, Payment, StripeEvent
from billing.plans import all_add_ons, all_plans, all_products
from billing.webhook.handlers import HANDLERS
from common.filters import yes_or_no

OTHERS = "others"
LIVE = ("livemode", yes_or_no(_("mode"), yes=_("Real money"), no=_("Test mode")))


class TypeFilter(admin.SimpleListFilter):
    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        # An endpoint can be subscribed to more types than we handle. Those are stored as well.
        return [*((name, name) for name in HANDLERS), (OTHERS, _("Types without a handler"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> QuerySet[StripeEvent]:
        if self.value() == OTHERS:
            return queryset.exclude(type__in=HANDLERS)
        return queryset if self.value() is None else queryset.filter(type=self.value())


class CurrencyFilter(admin.SimpleListFilter):
    """The currencies of what is sold. To find others, Django's own filter would read every payment."""

    title = _("currency")
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        prices = chain.from_iterable(offer.prices for offer in (*all_plans(), *all_add_ons(), *all_products()))
        return [(code, code.upper()) for code in sorted({price.currency for price in prices})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        return queryset if self.value() is None else queryset.filter(currency=self.value())


class OtherAddressFilter(admin.SimpleListFilter):
    """Customers whose email address at Stripe isn't the one of their account."""

    title = _("email address at Stripe")
    parameter_name = "address"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("other", _("differs from the account's"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Customer]) -> QuerySet[Customer]:
        if self.value() != "other":
            return queryset
        return queryset.exclude(user=None).exclude(email="").exclude(email=F("user__email"))
