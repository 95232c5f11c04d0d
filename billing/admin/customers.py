"""Stripe customers: the user behind each, its subscriptions, and its payments."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing.admin import links
from billing.admin.filters import OtherAddressFilter
from billing.admin.inlines import PaymentInline, SubscriptionInline
from billing.models import Customer
from common.admin import ReadOnlyAdmin


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ["id", "user", "email", "is_same_address", "name", "created_at", "deleted_at"]
    list_filter = [
        OtherAddressFilter,
        ("user", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        "created_at",
    ]
    list_select_related = ["user"]
    search_fields = ["=id", "email", "user__email"]
    search_help_text = _("Search by cus_… ID or email address (the user's or the one at Stripe)")
    fields = ["id", "user", "email", "is_same_address", "name", "created_at", "deleted_at", "emails", "events"]
    readonly_fields = ["is_same_address", "emails", "events"]
    inlines = [SubscriptionInline, PaymentInline]

    @admin.display(description=_("same as the account's"), boolean=True)
    def is_same_address(self, customer: Customer) -> bool | None:
        if customer.user is None or not customer.email:
            return None
        return customer.email == customer.user.email

    @admin.display(description=_("emails"))
    def emails(self, customer: Customer) -> SafeString | str:
        return links.to_emails(customer.user.email if customer.user else customer.email)

    @admin.display(description=_("Stripe events"))
    def events(self, customer: Customer) -> SafeString | str:
        return links.to_events(customer.pk)
