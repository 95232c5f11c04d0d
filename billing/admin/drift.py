"""Where this database and Stripe differ, according to the daily comparison."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing import states
from billing.admin import links, summaries
from billing.errors import BillingError
from billing.models import Comparison, Customer, Drift, Subscription
from billing.services import drift as drifts
from common.admin import ReadOnlyAdmin, to_the_second
from common.filters import filled, in_words
from common.summaries import Summary


@admin.register(Drift)
class DriftAdmin(ReadOnlyAdmin):
    list_display = ["state", "row", "what", "kind", "found_at", "closed_at"]
    list_display_links = ["state"]
    list_filter = [("closed_at", filled(_("status"), yes=_("Agrees again"), no=_("Differs"))), "kind", "found_at"]
    search_fields = ["=object_id"]
    search_help_text = _("Search by Stripe's ID: sub_…, cus_…")
    empty_text = _("Here you see where this database and Stripe differ. The daily comparison found no difference.")
    actions = ["take_state"]
    fields = ["kind", "what", "found_at", "confirmed_at", "checked_at", "closed_at"]
    readonly_fields = ["what"]

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
        return format_html_join("", "<div>{}: {} → {}</div>", ((in_words(name), *pair) for name, *pair in lines))

    def summary(self, request: HttpRequest, row: Drift) -> Summary:
        facts = [(_("Object"), self.row(row)), (_("Stripe events"), links.to_events(row.object_id))]
        return Summary(states.drift_state(row), *summaries.drift_words(row), facts=facts)

    @admin.display(description=_("status"))
    def state(self, drift: Drift) -> SafeString:
        return states.drift_state(drift).badge

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
        ours, theirs = (value.replace("_", " ") for value in pair) if name == "status" else pair
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
    word = f" {states.comparison_state(state).label}." if state.failures else ""
    return gettext("Last compared with Stripe: %s.") % to_the_second(state.finished_at) + word
