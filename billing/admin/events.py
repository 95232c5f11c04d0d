"""Events from Stripe: the result of each, its payload, and an action to process it again."""

import json
from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from billing import states
from billing.admin import links, summaries
from billing.admin.filters import LIVE, TypeFilter
from billing.models import Customer, StripeEvent
from billing.webhook import backlog, monitoring
from common.admin import Button, ReadOnlyAdmin, preformatted
from common.filters import choice_filter
from common.summaries import Summary

HARMLESS = "Processing again doesn't repeat changes that were already made, and no email is sent twice."


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ["state", "type", "object_id", "customer_id", "note", "received_at"]
    list_display_links = ["state", "type"]
    list_filter = [
        ("status", choice_filter(_("status"), states.EVENTS)),
        TypeFilter,
        LIVE,
        "received_at",
    ]
    search_fields = ["=id", "=customer_id", "=object_id"]
    search_help_text = _(
        "Search by the full ID of an event (evt_…), or of a customer, invoice, subscription, or other object at Stripe."
    )
    empty_text = _("Here you see what Stripe reports, such as a payment. Nothing has arrived yet.")
    actions = ["process_again"]
    fieldsets = [
        (None, {"fields": ["type", "object_id", "note", "traceback", "created_at", "received_at", "processed_at"]}),
        (
            _("Details"),
            {
                "fields": ["id", "attempts", "due_at", "waits_for", "livemode", "account", "api_version"],
                "classes": ["collapse"],
            },
        ),
        (_("As received"), {"fields": ["content"], "classes": ["collapse"]}),
    ]
    readonly_fields = ["traceback", "content"]
    shown_with = {"traceback": "error"}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if self.has_view_permission(request) and (problem := monitoring.missing_invoices_warning()):
            messages.warning(request, problem)
        return super().changelist_view(request, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StripeEvent]:
        # Bodies and tracebacks are large, and the list shows neither.
        return super().get_queryset(request).defer("body", "error")

    def summary(self, request: HttpRequest, row: StripeEvent) -> Summary:
        # There is no foreign key, because events can arrive before their customer.
        customer = (
            Customer.objects.filter(pk=row.customer_id).select_related("user").first() if row.customer_id else None
        )
        facts = [
            (_("Customer"), links.to_row(customer) if customer else row.customer_id or "-"),
            (_("User"), links.to_row(customer.user) if customer and customer.user else "-"),
            (_("Emails"), links.to_emails(row.object_id)),
            (_("Other events"), links.to_events(row.object_id)),
        ]
        sentence, advice = summaries.event_words(row)
        return Summary(states.event_state(row), sentence, " ".join(filter(None, [advice, HARMLESS])), facts)

    def page_context(self, request: HttpRequest, row: StripeEvent) -> dict[str, Any]:
        url = reverse("admin:billing_stripeevent_process", args=[row.pk])
        buttons = [Button(url, gettext("Process again"))] if self.has_operate_permission(request) else []
        return {**super().page_context(request, row), "buttons": buttons}

    @admin.display(description=_("status"), ordering="status")
    def state(self, event: StripeEvent) -> SafeString:
        return states.event_state(event).badge

    @admin.display(description=_("error in our own code"))
    def traceback(self, event: StripeEvent) -> SafeString | str:
        return preformatted(event.error) if event.error else "-"

    @admin.display(description=_("payload"))
    def content(self, event: StripeEvent) -> SafeString | str:
        return preformatted(json.loads(event.body)) if event.body else gettext("no longer stored")

    def get_urls(self) -> list[URLPattern]:
        # Ids come from Stripe and may contain anything, so the pattern accepts slashes as Django's own patterns do.
        process = self.admin_site.admin_view(self.process_view)
        return [path("<path:pk>/process/", process, name="billing_stripeevent_process"), *super().get_urls()]

    @method_decorator(require_POST)
    def process_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        if not self.has_operate_permission(request):
            raise PermissionDenied
        event = get_object_or_404(StripeEvent, pk=pk)
        report(request, self.process(request, event))
        return redirect("admin:billing_stripeevent_change", quote(event.pk))

    @admin.action(description=_("Process again"), permissions=["operate"])
    def process_again(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> None:
        outcomes = Counter(self.process(request, event) for event in queryset)
        for outcome, count in outcomes.items():
            report(request, outcome, count)

    def process(self, request: HttpRequest, event: StripeEvent) -> backlog.Outcome:
        """Process the event now and log the outcome, also if it failed. Returns the outcome."""
        outcome = backlog.reprocess(event)
        self.log_change(request, event, outcome.sentence)
        return outcome


def report(request: HttpRequest, outcome: backlog.Outcome, count: int = 1) -> None:
    level = messages.SUCCESS if outcome.is_processed else messages.ERROR
    messages.add_message(request, level, f"{outcome.sentence} ({count})" if count > 1 else outcome.sentence)
