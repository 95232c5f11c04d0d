"""Stripe customers: the user behind each, its subscriptions, and its payments."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing import states
from billing.admin import links, summaries
from billing.admin.filters import OtherAddressFilter
from billing.admin.inlines import PaymentInline, SubscriptionInline
from billing.models import Customer
from common.admin import ReadOnlyAdmin
from common.filters import filled
from common.summaries import Summary


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ["shown_address", "name", "state", "is_same_address", "created_at", "id"]
    list_filter = [
        OtherAddressFilter,
        ("user", filled(_("account"), yes=_("Has an account"), no=_("Without an account"))),
        ("deleted_at", filled(_("at Stripe"), yes=_("Deleted"), no=_("Exists"))),
        "created_at",
    ]
    list_select_related = ["user"]
    search_fields = ["=id", "email", "user__email"]
    search_help_text = _("Search by email address (of the account, or at Stripe), or by Stripe's ID: cus_…")
    empty_text = _("Here you see everyone whom Stripe knows. Nobody has bought anything yet.")
    fieldsets = [
        (None, {"fields": ["email", "name", "created_at", "deleted_at", "erased_at"]}),
        (_("Details"), {"fields": ["id", "email_changed_at"], "classes": ["collapse"]}),
    ]
    inlines = [SubscriptionInline, PaymentInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        return super().get_queryset(request).select_related("user")

    def summary(self, request: HttpRequest, row: Customer) -> Summary:
        facts = [
            (_("User"), links.to_row(row.user) if row.user else "-"),
            (_("Emails"), links.to_emails(row.user.email if row.user else row.email)),
            (_("Stripe events"), links.to_events(row.pk)),
        ]
        return Summary(states.customer_state(row), *summaries.customer_words(row), facts=facts)

    @admin.display(description=_("email address"), ordering="email")
    def shown_address(self, customer: Customer) -> str:
        return customer.email or (customer.user.email if customer.user else "") or customer.pk

    @admin.display(description=_("status"))
    def state(self, customer: Customer) -> SafeString:
        return states.customer_state(customer).badge

    @admin.display(description=_("same as the account's"), boolean=True)
    def is_same_address(self, customer: Customer) -> bool | None:
        if customer.user is None or not customer.email:
            return None
        return customer.email == customer.user.email
