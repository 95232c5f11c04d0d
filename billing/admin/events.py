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
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from billing.admin import links
from billing.admin.filters import TypeFilter
from billing.models import Customer, StripeEvent
from billing.webhook import backlog, monitoring
from common.admin import ReadOnlyAdmin, to_the_second


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ["received", "type", "state", "customer_id", "object_id", "note"]
    list_display_links = ["received", "type"]
    list_filter = ["status", TypeFilter, "livemode", "received_at"]
    search_fields = ["=id", "=customer_id", "=object_id"]
    search_help_text = _("Search by evt_… ID, or by the full ID of a customer, invoice, subscription, or other object")
    actions = ["process_again"]
    fields = [
        "id",
        "type",
        "status",
        "note",
        "attempts",
        "due_at",
        "waits_for",
        "traceback",
        "customer",
        "object_id",
        "emails",
        "created_at",
        "received_at",
        "processed_at",
        "livemode",
        "account",
        "api_version",
        "content",
    ]
    readonly_fields = ["traceback", "customer", "emails", "content"]

    class Media:
        css = {"all": ["emails/message.css"]}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if self.has_view_permission(request) and (problem := monitoring.missing_invoices_warning()):
            messages.warning(request, problem)
        return super().changelist_view(request, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StripeEvent]:
        # Bodies and tracebacks are large, and the list shows neither.
        return super().get_queryset(request).defer("body", "error")

    @admin.display(description=_("received"), ordering="received_at")
    def received(self, event: StripeEvent) -> str:
        return to_the_second(event.received_at)

    @admin.display(description=_("status"), ordering="status")
    def state(self, event: StripeEvent) -> str:
        return event.status

    @admin.display(description=_("error in our own code"))
    def traceback(self, event: StripeEvent) -> SafeString | str:
        return preformatted(event.error) if event.error else "-"

    @admin.display(description=_("customer"))
    def customer(self, event: StripeEvent) -> SafeString | str:
        # There is no foreign key, because events can arrive before their customer.
        customer = Customer.objects.filter(pk=event.customer_id).first() if event.customer_id else None
        return links.to_row(customer) if customer else event.customer_id or "-"

    @admin.display(description=_("emails"))
    def emails(self, event: StripeEvent) -> SafeString | str:
        return links.to_emails(event.object_id)

    @admin.display(description=_("as received"))
    def content(self, event: StripeEvent) -> SafeString | str:
        if not event.body:
            return gettext("no longer stored")
        return preformatted(json.dumps(json.loads(event.body), ensure_ascii=False, indent=2))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"may_process": self.has_operate_permission(request), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

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


def preformatted(text: str) -> SafeString:
    return format_html("<pre>{}</pre>", text)
