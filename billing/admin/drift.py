"""Where this database and Stripe differ, according to the daily comparison."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import date
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.admin import links
from billing.errors import BillingError
from billing.models import Comparison, Customer, Drift, Subscription
from billing.services import drift as drifts
from common.admin import ReadOnlyAdmin


@admin.register(Drift)
class DriftAdmin(ReadOnlyAdmin):
    list_display = ["found_at", "kind", "row", "what", "closed_at"]
    list_filter = [("closed_at", admin.EmptyFieldListFilter), "kind", "found_at"]
    search_fields = ["=object_id"]
    search_help_text = _("Search by Stripe ID: sub_…, cus_…")
    actions = ["take_state"]
    fields = ["kind", "row", "what", "found_at", "confirmed_at", "checked_at", "closed_at", "events"]
    readonly_fields = ["row", "what", "events"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Drift]:
        return super().get_queryset(request).exclude(confirmed_at=None)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and self.has_view_permission(request):
            messages.info(request, last_comparison())
        return super().changelist_view(request, extra_context)

    @admin.display(description=_("object"))
    def row(self, drift: Drift) -> SafeString | str:
        found = row_of(drift)
        return links.to_row(found) if found else drift.object_id

    @admin.display(description=_("field: ours → Stripe's"))
    def what(self, drift: Drift) -> SafeString:
        lines = [(name, *values_of(drift, name, pair)) for name, pair in drift.differences.items()]
        return format_html_join("", "<div>{}: {} → {}</div>", lines)

    @admin.display(description=_("Stripe events"))
    def events(self, drift: Drift) -> SafeString | str:
        return links.to_events(drift.object_id)

    @admin.action(description=_("Ask Stripe now, and take its state"), permissions=["operate"])
    def take_state(self, request: HttpRequest, queryset: QuerySet[Drift]) -> None:
        try:
            for row, is_closed in drifts.take_states(queryset.filter(closed_at=None)):
                self.log_change(request, row, gettext("Asked Stripe."))
                text = gettext("Both agree now.") if is_closed else gettext("It still differs.")
                level = messages.SUCCESS if is_closed else messages.WARNING
                messages.add_message(request, level, f"{row.object_id}: {text}")
        except BillingError as error:
            messages.error(request, error.message)


def row_of(drift: Drift) -> Model | None:
    model: type[Model] = Subscription if drift.kind == Drift.Kind.SUBSCRIPTION else Customer
    return model._default_manager.filter(pk=drift.object_id).first()


def values_of(drift: Drift, name: str, pair: list[str]) -> tuple[str, str]:
    """Return our value and Stripe's. Addresses aren't stored with the difference, so they are the newest known ones."""
    if name != "email":
        ours, theirs = pair
        return ours or "-", theirs or "-"
    customer = Customer.objects.select_related("user").filter(pk=drift.object_id).first()
    if customer is None:
        return "-", "-"
    return (customer.user.email if customer.user else "-"), customer.email or "-"


def last_comparison() -> str:
    state = Comparison.objects.first()
    if state is None or state.finished_at is None:
        return gettext(
            "Stripe and this database haven't been compared yet. It needs STRIPE_SECRET_KEY, and takes a while."
        )
    day = date(localtime(state.finished_at), "DATETIME_FORMAT")
    return gettext("Last compared with Stripe: %(day)s") % {"day": day}
