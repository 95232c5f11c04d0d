"""Providers and the calls to them. Both are read-only, but staff can resume a paused provider."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from common.actions import Action
from common.admin import IndexedSearchAdmin, ReadOnlyAdmin, RowActionsAdmin
from common.db import database_now
from common.lists import as_uuid, first_keys
from emails.admin.filters import ChoiceFilter
from emails.delivery import provider_status
from emails.models import DeliveryAttempt, ProviderState
from emails.support import actions as support_actions

RESUME: Action[ProviderState] = Action(
    "Resume now", "Resumed. Waiting emails go out over the next 30 seconds.", support_actions.resume
)


@admin.register(ProviderState)
class ProviderStateAdmin(RowActionsAdmin, ReadOnlyAdmin):
    row_actions = {"resume": RESUME}
    list_display = ["name", "state", "explanation", "paused_until", "failures", "changed_at"]
    fields = [
        "name",
        "state",
        "explanation",
        "paused_until",
        "down_since",
        "failed_over_at",
        "failures",
        "rate",
        "next_slot_at",
        "changed_at",
    ]
    readonly_fields = ["state", "explanation"]
    actions = ["resume"]

    @admin.display(description=_("state"))
    def state(self, state: ProviderState) -> str:
        return provider_status.describe(state, database_now())["state"]

    # Not the stored detail, which may name a setting that has been corrected since.
    @admin.display(description=_("reason"), empty_value="")
    def explanation(self, state: ProviderState) -> str:
        return provider_status.describe(state, database_now())["reason"]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if self.has_view_permission(request):
            for failover in provider_status.failovers():
                messages.warning(request, failover)
        return super().changelist_view(request, extra_context)

    @admin.action(description=_("Resume now"), permissions=["operate"])
    def resume(self, request: HttpRequest, states: QuerySet[ProviderState]) -> None:
        for state in states:
            self.operate(request, state, "resume")
        messages.success(request, RESUME.done)


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(IndexedSearchAdmin):
    list_display = ["created_at", "provider", "outcome", "status_code", "error_code", "calls", "crashes", "settled_at"]
    list_filter = [("outcome", ChoiceFilter), "created_at"]
    ordering = ["-created_at"]
    sortable_by = ["created_at"]
    search_fields = ["error_code", "detail"]
    search_help_text = _(
        "Search by attempt ID (the Idempotency-Key) or message ID. Words of an error are found among the newest "
        "10,000 attempts."
    )
    fields = [
        "id",
        "provider",
        "endpoint",
        "outcome",
        "status_code",
        "error_code",
        "detail",
        "calls",
        "crashes",
        "created_at",
        "due_at",
        "settled_at",
        "carried",
    ]
    readonly_fields = ["id", "carried"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeliveryAttempt]:
        # The bodies hold live links, and no field shows them.
        return super().get_queryset(request).defer("body")

    def found_by_index(self, queryset: QuerySet[DeliveryAttempt], word: str) -> list[Any]:
        key = as_uuid(word)
        return first_keys(queryset.filter(pk=key)) or first_keys(queryset.filter(emails=key)) if key else []

    @admin.display(description=_("messages"))
    def carried(self, attempt: DeliveryAttempt) -> SafeString:
        # In the order of the batch, because a batch's response lists its results by position.
        emails = attempt.emails.defer("content").order_by("attemptedemail__position")
        links = [(reverse("admin:emails_outboundemail_change", args=[email.pk]), email) for email in emails]
        return format_html_join("\n", '<p><a href="{}">{}</a></p>', links)
